"""The day of a moment, as its reader calls it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from django.utils import timezone


def site_today() -> date:
    """Return the day it is where days are counted: everybody's figures are of the same ones, of UTC."""
    return timezone.localdate(timezone=UTC)


def day_of(moment: datetime) -> date:
    """Return the day in the reader's zone.

    Lists mostly say days and no times, and those stand as midnight of UTC: whoever reads them west of
    Greenwich must not find them a day earlier than the list had them.
    """
    is_a_day = moment.astimezone(UTC).timetz() == time(tzinfo=UTC)
    return timezone.localtime(moment, UTC if is_a_day else None).date()
