"""What runs in the background for the site as a whole; when, `schedule.py` says."""

from celery import shared_task
from django.core.management import call_command


@shared_task
def clear_sessions() -> None:
    """Delete expired sessions, which Django leaves in the database."""
    call_command("clearsessions")
