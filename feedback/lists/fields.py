"""The fields of a row, as files write them: nonsense is no value, never an error."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any

LONGEST_TITLE = 255
LONGEST_NUMBER = 40  # characters
LARGEST_ID = 2**31 - 1
EARLIEST, LATEST = 1960, 2200  # years; a date in the future is brought back to now when it is written


def text_of(value: Any) -> str:
    """Return a line of text without what cannot be shown or stored, and not too long."""
    if not isinstance(value, str):
        return ""
    line = value[: 4 * LONGEST_TITLE]
    if not line.isprintable():
        line = "".join(char if char.isprintable() else " " for char in line)
    return " ".join(line.split())[:LONGEST_TITLE]


def titles_of(values: Iterable[Any]) -> tuple[str, ...]:
    """Return the names that say something, each once."""
    return tuple(dict.fromkeys(name for name in map(text_of, values) if name))


def number_of(value: Any) -> float | None:
    """Return a number; none where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > LONGEST_NUMBER:
        return None
    try:
        number = float(value.strip().replace(",", ".") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def id_of(value: Any) -> int | None:
    """Return a MyAnimeList id."""
    number = number_of(value)
    if number is None or number != int(number) or not 1 <= number <= LARGEST_ID:
        return None
    return int(number)


def moment_of(value: Any) -> datetime | None:
    """Return a time from ISO 8601, a date (0000-00-00 is none, 2019-05-00 is May 1st) or Unix seconds."""
    number = number_of(value)
    try:
        if number is not None:
            return _believable(datetime.fromtimestamp(number, UTC)) if number > 0 else None
        text = text_of(value)
        return _believable(_day(*text.split("-")) if len(text) == 10 else datetime.fromisoformat(text))
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def day_of(year: Any, month: Any, day: Any) -> datetime | None:
    """Return a date given in parts, of which the month and the day may be missing."""
    try:
        return _believable(_day(year, month or 1, day or 1)) if year else None
    except (ValueError, TypeError, OverflowError):
        return None


def _day(year: Any, month: Any, day: Any) -> datetime:
    """Return noon of the day: the same date wherever on earth it was meant."""
    date = datetime(int(year), int(month) or 1, int(day) or 1, tzinfo=UTC)
    return datetime.combine(date, time(12), UTC)


def _believable(moment: datetime) -> datetime | None:
    if not EARLIEST <= moment.year <= LATEST:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
