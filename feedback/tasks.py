"""What runs in the background; when, `nostrade_site/settings.py` says."""

from celery import shared_task
from django.conf import settings

from feedback import guests


@shared_task
def prune_guests() -> int:
    """Delete idle guests."""
    return guests.prune_guests(settings.GUEST_IDLE_DAYS)
