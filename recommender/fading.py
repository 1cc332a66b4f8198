"""Titles shown often and ignored fade: they stand lower, and come back after a while.

Only the days before today decide. The order therefore stays as it is while somebody scrolls, and what they
say, save or take back today changes nothing here until tomorrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from heapq import heappop, heappush

from django.db.models import Count

from feedback.days import site_today
from feedback.models import Event, Person, Saved
from recommender.models import Impression

# Days on which a title may be shown and ignored, of the last MEMORY, before it moves down.
PATIENCE = 2
MEMORY = timedelta(days=30)
# Places it moves down on the first day too many, and again on each further one: a page of the feed.
FALL = 20


def falls_of(user: Person) -> dict[int, int]:
    """Map the titles that `user` was shown too often to the places they fall: one query, three where any are.

    A reaction to a title within `MEMORY`, even one taken back, or having saved it, is not ignoring it.
    """
    if not user.is_authenticated:
        return {}
    today = site_today()
    since = today - MEMORY
    shown = Impression.objects.of(user).filter(day__gte=since, day__lt=today).values_list("item")
    often = dict(shown.annotate(days=Count("day", distinct=True)).filter(days__gt=PATIENCE).order_by())
    if not often:
        return {}
    said = Event.objects.of(user).filter(timestamp__gte=_midnight(since), timestamp__lt=_midnight(today))
    saved = Saved.objects.of(user).filter(created_at__lt=_midnight(today))
    for answered in (said, saved):
        for anime_id in answered.filter(item__in=often).order_by().values_list("item", flat=True):
            often.pop(anime_id, None)
    return {anime_id: (days - PATIENCE) * FALL for anime_id, days in often.items()}


def fade(anime_ids: Iterable[int], falls: Mapping[int, int]) -> Iterator[int]:
    """Yield the titles with each of `falls` that many places further down; others move up, in their order.

    The first n places depend on the first n + len(falls) titles alone: a longer list begins with the shorter.
    """
    waiting: list[tuple[int, int, int]] = []  # the place it fell to, how far, the title
    for place, anime_id in enumerate(anime_ids):
        fall = falls.get(anime_id, 0)
        heappush(waiting, (place + fall, fall, anime_id))
        while waiting and waiting[0][0] <= place:
            yield heappop(waiting)[2]
    while waiting:
        yield heappop(waiting)[2]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
