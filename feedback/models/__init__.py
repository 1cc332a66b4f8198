"""What people said: an append-only log of reactions, what they saved for later, and what they dismissed."""

from feedback.models.dismissals import Dismissal, DismissalQuerySet
from feedback.models.events import Event
from feedback.models.imports import ListImport
from feedback.models.networks import LastNetwork
from feedback.models.people import Person, TrainingOptOut
from feedback.models.reading import AppendOnlyError, EventQuerySet, FeedbackType
from feedback.models.receipts import KeyReusedError, Receipt
from feedback.models.saved import Saved

__all__ = [
    "AppendOnlyError",
    "Dismissal",
    "DismissalQuerySet",
    "Event",
    "EventQuerySet",
    "FeedbackType",
    "KeyReusedError",
    "LastNetwork",
    "ListImport",
    "Person",
    "Receipt",
    "Saved",
    "TrainingOptOut",
]
