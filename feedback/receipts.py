"""Receipts that are old enough to go; `feedback.models.events.EventManager.record` writes and reads them."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from feedback.models import Receipt

PRUNE_CHUNK = 500


def prune_receipts(days: int) -> int:
    """Delete the receipts older than `days` days; return how many.

    In small transactions, so that nobody's reaction waits long; each key may then be used anew.
    """
    old = Receipt.objects.filter(created_at__lt=timezone.now() - timedelta(days=days)).order_by("created_at")
    pruned = 0
    while found := list(old.values_list("pk", flat=True)[:PRUNE_CHUNK]):
        pruned += Receipt.objects.filter(pk__in=found).delete()[0]
    return pruned
