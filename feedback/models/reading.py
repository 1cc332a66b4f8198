"""Reading the log of reactions: what each of them says, which of them stand, and which may teach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from django.db import models

from feedback.models.people import Person, TrainingOptOut

if TYPE_CHECKING:
    from feedback.models.events import Event  # noqa: F401  # named in a string


class AppendOnlyError(Exception):
    """Somebody tried to change the log; the message says what to do instead."""


def refuse() -> NoReturn:
    raise AppendOnlyError(
        "The log is append-only: record a new reaction, or undo this one. Events go with their account only."
    )


class FeedbackType(models.IntegerChoices):
    RETRACTED = 0  # an undo: it names the event it takes back
    DISLIKE = 1
    LIKE = 2
    LOVE = 3

    @property
    def past(self) -> str:
        return f"{self.label}d"  # Disliked, Liked, Loved, and never shown: Retracted


class EventQuerySet(models.QuerySet["Event"]):
    def of(self, user: Person) -> EventQuerySet:
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()

    def teaching(self) -> EventQuerySet:
        """Keep what may teach a model: of accounts that are not switched off (spam, mostly) nor opted out.

        Asked by a join, PostgreSQL would take one person in 200 to teach, and read all accounts first.
        """
        opted_out = TrainingOptOut.objects.filter(user=models.OuterRef("user"))
        return self.filter(user__is_active=True).exclude(models.Exists(opted_out))

    def standing(self) -> EventQuerySet:
        """Keep the reactions that nobody took back, oldest first."""
        reactions = self.exclude(feedback_type=FeedbackType.RETRACTED).filter(retraction__isnull=True)
        return reactions.order_by("timestamp", "id")

    def update(self, **_: Any) -> NoReturn:
        refuse()

    def delete(self) -> NoReturn:
        refuse()
