"""What runs in the background; when, `nostrade_site/schedule.py` says."""

from celery import shared_task
from django.conf import settings

from feedback import guests, receipts
from feedback.lists import importing
from feedback.models import LastNetwork


@shared_task
def prune_guests() -> int:
    """Delete idle guests."""
    return guests.prune_guests(settings.GUEST_IDLE_DAYS)


@shared_task
def prune_networks() -> int:
    """Forget from where people spoke long ago."""
    return LastNetwork.objects.prune(settings.NETWORK_DAYS)


@shared_task
def prune_receipts() -> int:
    """Delete the receipts of reactions that no program will send again."""
    return receipts.prune_receipts(settings.RECEIPT_DAYS)


@shared_task
def carry_on_list(pk: int) -> None:
    """Read, match, write or take back a list that is too long to wait for."""
    importing.carry_on(pk)


@shared_task
def carry_on_forgotten_lists() -> None:
    """Go on with the lists whose worker was lost, or could not be asked."""
    for pk in importing.forgotten():
        carry_on_list.delay(pk)


@shared_task
def prune_lists() -> int:
    """Delete previews that nobody confirmed, and what imported files said."""
    return importing.prune_lists(settings.LIST_DAYS)
