"""What runs in the background; when, `nostrade_site/settings.py` says."""

from celery import shared_task
from django.conf import settings

from feedback import guests, receipts


@shared_task
def prune_guests() -> int:
    """Delete idle guests."""
    return guests.prune_guests(settings.GUEST_IDLE_DAYS)


@shared_task
def prune_receipts() -> int:
    """Delete the receipts of reactions that no program will send again."""
    return receipts.prune_receipts(settings.RECEIPT_DAYS)
