"""When to retrain besides every night: often enough to be news, never twice for the same news."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Max

from feedback.models import Event
from recommender.models import Checkpoint
from recommender.runs import dead_run


def why_retrain() -> str:
    """Say why a run should begin now; nothing where none should.

    News are counted from what the last run read, however it ended: a rejected one is not repeated for the
    same events. A list that one person brought is no news of many; the night reads it.
    """
    if dead := dead_run():
        return f"{dead} died and waits to be taken over."
    if Checkpoint.objects.filter(state=Checkpoint.State.TRAINING).exists():
        return ""
    read = Checkpoint.objects.aggregate(last=Max("last_event_id"))["last"] or 0
    news = Event.objects.standing().teaching().filter(pk__gt=read, list_import__isnull=True)
    news, enough = news.order_by("pk"), settings.RETRAIN_AFTER_EVENTS
    # Counted no further than that: before its first run a large log would be read whole, every five minutes.
    if Checkpoint.objects.active() is None or news[:enough].count() < enough:
        return ""
    return f"{enough} new events or more since the last run."
