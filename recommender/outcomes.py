"""What followed an impression: the first reaction within a day. And how long impressions are kept."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F, OuterRef, Q, Subquery

from feedback.days import site_today
from feedback.models import Event
from recommender.models import Impression, ImpressionQuerySet

# A reaction later than this is not put down to the impression.
WINDOW = timedelta(days=1)
# Rows one transaction writes: on SQLite everybody else who writes waits for it.
CHUNK = 200
# Links one run writes; what is left over is for the next one.
MAX_LINKS = 20_000


def link(days: int) -> int:
    """Point the impressions of the last `days` days to what followed them; return how many changed.

    It compares with the log as it stands, so it may run at any time, twice or at once, and heals what an
    undo, a carried-over guest or a late writer changed. It reads those days and writes only what is wrong.
    """
    recent = Impression.objects.filter(day__gte=site_today() - timedelta(days=days))
    wrong = _wrong(recent)
    for start in range(0, len(wrong), CHUNK):
        rows = [Impression(pk=pk, event_id=event_id) for pk, event_id in wrong[start : start + CHUNK]]
        Impression.objects.bulk_update(rows, ["event"])
    return len(wrong)


def _wrong(impressions: ImpressionQuerySet) -> list[tuple[int, int | None]]:
    """Return the impressions that do not point to what followed them, each with the event that did."""
    following = Event.objects.standing().filter(
        user=OuterRef("user"),
        item=OuterRef("item"),
        timestamp__gte=OuterRef("shown_at"),
        timestamp__lte=OuterRef("shown_at") + WINDOW,
        list_import__isnull=True,  # a list that was brought is no answer to a card
    )
    compared = impressions.annotate(followed=Subquery(following.values("pk")[:1]))
    missing = Q(event__isnull=True, followed__isnull=False)
    outdated = Q(event__isnull=False) & (Q(followed__isnull=True) | ~Q(followed=F("event_id")))
    return list(compared.filter(missing | outdated).values_list("pk", "followed")[:MAX_LINKS])


def prune(days: int) -> int:
    """Delete the impressions older than `days` days, in small transactions; return how many."""
    old = Impression.objects.filter(day__lt=site_today() - timedelta(days=days))
    pruned = 0
    while chunk := list(old.values_list("pk", flat=True)[:CHUNK]):
        pruned += Impression.objects.filter(pk__in=chunk).delete()[0]
    return pruned
