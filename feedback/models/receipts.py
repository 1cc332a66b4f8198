"""What a repeated Idempotency-Key is answered with."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from feedback.models.people import Person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from feedback.models.events import Event
    from feedback.models.reading import FeedbackType


class KeyReusedError(Exception):
    """A key came with another reaction than the first time; the message says what to do instead."""


class ReceiptQuerySet(models.QuerySet["Receipt"]):
    def of(self, user: Person) -> ReceiptQuerySet:
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()

    def under(self, key: str) -> Receipt | None:
        """Return the receipt of this key; none where there is no key."""
        return self.filter(key=key).select_related("event").first() if key else None

    def under_batch(self, key: str) -> list[Receipt]:
        """Return the receipts of a batch, in its order; none where there is no key."""
        found = self.filter(key__startswith=batch_key(key)).select_related("event") if key else self.none()
        return sorted(found, key=lambda receipt: int(receipt.key.rpartition(" ")[2]))


def batch_key(key: str, place: int | str = "") -> str:
    """Return what each event of a batch is filed under; with its space, it is nobody's own key."""
    return f"batch {hashlib.sha256(key.encode()).hexdigest()} {place}"


class Receipt(models.Model):
    """What a program's reaction was answered with, under the key that it sent: asked again, it is told again.

    Kept for `RECEIPT_DAYS`; after that a key may be used anew.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="receipts", db_index=False
    )
    key = models.CharField(max_length=100)
    event = models.ForeignKey("feedback.Event", on_delete=models.CASCADE, related_name="receipts")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = ReceiptQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "key"], name="receipt_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.key}"

    def event_about(self, item_id: int, feedback_type: FeedbackType) -> Event:
        """Return the event; raise KeyReusedError where it says something else than is asked for."""
        if (self.event.item_id, self.event.feedback_type) != (item_id, feedback_type):
            raise KeyReusedError(
                "This Idempotency-Key came with another reaction before: send a new key with each new one."
            )
        return self.event


def told_again(receipts: Sequence[Receipt], said: Sequence[tuple[int, FeedbackType]]) -> list[Event]:
    """Return the events of a batch; raise KeyReusedError where it is not the batch that is sent now."""
    if len(receipts) != len(said):
        raise KeyReusedError(
            "This Idempotency-Key came with another batch before: send a new key with each new one."
        )
    return [receipt.event_about(*each) for receipt, each in zip(receipts, said, strict=True)]
