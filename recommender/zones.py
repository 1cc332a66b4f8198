"""The reader's time zone: what their preferences say, else what their browser said in a cookie, else UTC."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from functools import cached_property, lru_cache
from itertools import groupby

from django.conf import settings
from django.http import HttpRequest

from recommender.models import Preferences

COOKIE = "time_zone"
UTC_NAME = "UTC"
REGIONS = frozenset(
    (
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    )
)


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """Return every name that this machine knows, old ones too: browsers send those. It reads folders."""
    return frozenset(zoneinfo.available_timezones())


def is_zone(name: str) -> bool:
    """Say whether it names a zone; anything may stand in a cookie, a path among others."""
    return name in known_zones()


def choices() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the zones to choose from, by region, each with how people read it."""
    named = sorted(name for name in known_zones() if name.partition("/")[0] in REGIONS)
    for region, names in groupby(named, key=lambda name: name.partition("/")[0]):
        yield region, [(name, name.partition("/")[2].replace("_", " ")) for name in names]
    yield "Everywhere", [(UTC_NAME, UTC_NAME)]


def zone_of_browser(request: HttpRequest) -> str:
    """Return what the browser said, empty where that is nothing or nonsense."""
    said = request.COOKIES.get(COOKIE, "")
    return said if is_zone(said) else ""


class ReadersZone(tzinfo):
    """The zone of a request, looked up when a date is first written.

    Most pages write no date, and need not ask for the preferences. What is converted into it carries the zone
    itself, so nothing of this class is left in a date.
    """

    def __init__(self, request: HttpRequest, preferences: Preferences) -> None:
        self._request, self._preferences = request, preferences
        self.was_used = False

    @cached_property
    def zone(self) -> zoneinfo.ZoneInfo:
        self.was_used = True
        chosen = self._preferences.time_zone
        name = chosen if is_zone(chosen) else zone_of_browser(self._request)
        return zoneinfo.ZoneInfo(name or settings.TIME_ZONE)

    def fromutc(self, dt: datetime) -> datetime:
        return self.zone.fromutc(dt.replace(tzinfo=self.zone))

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        return self.zone.utcoffset(dt)

    def dst(self, dt: datetime | None) -> timedelta | None:
        return self.zone.dst(dt)

    def tzname(self, dt: datetime | None) -> str | None:
        return self.zone.tzname(dt)

    def __str__(self) -> str:
        return str(self.zone)
