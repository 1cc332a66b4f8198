"""What people said: an append-only log of reactions, and the list of titles saved for later."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.utils import timezone

from catalog.models import Item


class FeedbackType(models.IntegerChoices):
    RETRACTED = 0  # an undo: it names the event it takes back
    DISLIKE = 1
    LIKE = 2
    LOVE = 3


class EventQuerySet(models.QuerySet["Event"]):
    def of(self, user: AbstractBaseUser) -> EventQuerySet:
        return self.filter(user=user)

    def standing(self) -> EventQuerySet:
        """Keep the reactions that nobody took back, oldest first."""
        reactions = self.exclude(feedback_type=FeedbackType.RETRACTED).filter(retraction__isnull=True)
        return reactions.order_by("timestamp", "id")


class EventManager(models.Manager["Event"]):
    """The only writers of the log."""

    def get_queryset(self) -> EventQuerySet:
        return EventQuerySet(self.model, using=self._db)

    def of(self, user: AbstractBaseUser) -> EventQuerySet:
        return self.get_queryset().of(user)

    def record(self, user: AbstractBaseUser, item: Item, feedback_type: FeedbackType) -> Event:
        """Log a reaction and return it; saying the same again returns the event that already stands."""
        with transaction.atomic():
            _serialise(user)
            latest = self.of(user).standing().filter(item=item).last()
            if latest is not None and latest.feedback_type == feedback_type:
                return latest
            return self.create(user=user, item=item, feedback_type=feedback_type)

    def undo(self, event: Event) -> Event:
        """Take back one reaction; what was said before it stands again. Undoing twice changes nothing."""
        with transaction.atomic():
            _serialise(event.user)
            undone, _ = self.get_or_create(
                retracts=event,
                defaults={"user": event.user, "item": event.item, "feedback_type": FeedbackType.RETRACTED},
            )
            return undone

    def retract(self, user: AbstractBaseUser, item: Item) -> int:
        """Take back everything `user` said about `item`; return how many reactions that were."""
        with transaction.atomic():
            _serialise(user)
            standing = list(self.of(user).standing().filter(item=item))
            for event in standing:
                self.create(user=user, item=item, feedback_type=FeedbackType.RETRACTED, retracts=event)
            return len(standing)


def _serialise(user: AbstractBaseUser) -> None:
    """Make one person's writers queue: a row lock on PostgreSQL; SQLite's IMMEDIATE has done it already."""
    type(user)._default_manager.select_for_update().get(pk=user.pk)


class Event(models.Model):
    """One reaction, or the retraction of one. Rows are never changed, only added."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="events")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="events")
    feedback_type = models.PositiveSmallIntegerField(choices=FeedbackType.choices)
    timestamp = models.DateTimeField(default=timezone.now)
    retracts = models.OneToOneField(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="retraction"
    )

    objects = EventManager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["user", "timestamp", "id"], name="event_history")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="event_known_feedback_type",
                condition=models.Q(feedback_type__in=FeedbackType.values),
            ),
            models.CheckConstraint(
                name="event_retraction_names_its_event",
                condition=models.Q(feedback_type=FeedbackType.RETRACTED, retracts__isnull=False)
                | (~models.Q(feedback_type=FeedbackType.RETRACTED) & models.Q(retracts__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_feedback_type_display()} · {self.item}"


class Saved(models.Model):
    """A title kept for later."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="saved_by")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "item"], name="saved_once")]

    def __str__(self) -> str:
        return f"{self.user} saved {self.item}"
