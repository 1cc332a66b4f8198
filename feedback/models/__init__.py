"""What people said: an append-only log of reactions, and the list of titles saved for later."""

from feedback.models.events import AppendOnlyError, Event, EventQuerySet, FeedbackType
from feedback.models.people import Person, TrainingOptOut
from feedback.models.receipts import KeyReusedError, Receipt
from feedback.models.saved import Saved

__all__ = [
    "AppendOnlyError",
    "Event",
    "EventQuerySet",
    "FeedbackType",
    "KeyReusedError",
    "Person",
    "Receipt",
    "Saved",
    "TrainingOptOut",
]
