"""What one field of a catalogue file may hold: each function returns the value or says what is wrong."""

from __future__ import annotations

import html
import math
import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from catalog.models import Genre, Item

LARGEST_NUMBER = 2_147_483_647  # of an integer column
MOST_EPISODES = 20_000  # the longest series has about 9,000
MOST_GENRES = 50  # of a title; MyAnimeList knows 80 in all
LONGEST_SYNOPSIS = 10_000
YEARS = range(1900, 2101)
MISSING = {"", "unknown", "nan", "none", "null", "n/a", "-"}

_WHOLE = re.compile(r"\d+(\.0+)?", re.ASCII)
_TYPES = {choice.casefold(): choice for choice in Item.Type.values}
_check_url = URLValidator(schemes=["http", "https"])


class LineProblem(ValueError):  # noqa: N818  (told to people: "problem" reads better than "error")
    """One line cannot be imported."""


def known(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}


def _is_missing(raw: str) -> bool:
    return raw.strip().casefold() in MISSING


def anime_id(raw: str) -> int:
    value = whole(raw, "anime_id", 1, LARGEST_NUMBER)
    if value is None:
        raise LineProblem("anime_id is empty.")
    return value


def whole(raw: str, name: str, low: int, high: int) -> int | None:
    if _is_missing(raw):
        return None
    digits = raw.strip()
    # Length first: converting a number of a million digits would take for ever.
    if len(digits) > 20 or not _WHOLE.fullmatch(digits):
        raise LineProblem(f"{name} {_shown(raw)} is not a whole number from {low} to {high}.")
    value = int(digits.partition(".")[0])
    if not low <= value <= high:
        raise LineProblem(f"{name} {value} is not from {low} to {high}.")
    return value


def rating(raw: str) -> float | None:
    if _is_missing(raw):
        return None
    try:
        value = float(raw)
    except ValueError:
        raise LineProblem(f"rating {_shown(raw)} is not a number from 1 to 10.") from None
    if not math.isfinite(value) or not 1 <= value <= 10:
        raise LineProblem(f"rating {_shown(raw)} is not from 1 to 10; leave it empty where it is unknown.")
    return value


def year(raw: str) -> int | None:
    return whole(raw, "year", YEARS.start, YEARS.stop - 1)


def kind(raw: str) -> str:
    if _is_missing(raw):
        return ""
    try:
        return _TYPES[raw.strip().casefold()]
    except KeyError:
        raise LineProblem(f"type {_shown(raw)} is none of {', '.join(Item.Type.values)}.") from None


def genres(raw: str) -> tuple[str, ...]:
    """Return the genres once each, whatever their case, in the order of the file."""
    longest = Genre._meta.get_field("name").max_length
    names = [part for part in _unescaped(raw).split(",") if not _is_missing(part)]
    if len(names) > MOST_GENRES:
        raise LineProblem(f"{len(names)} genres are more than {MOST_GENRES}: is this another column?")
    return tuple(
        {name.casefold(): name for name in (text(part, "genre", longest) for part in names)}.values()
    )


def url(raw: str) -> str:
    url = raw.strip()
    if _is_missing(url):
        return ""
    try:
        _check_url(url)
    except ValidationError:
        raise LineProblem(f"{_shown(raw)} is not an http:// or https:// address.") from None
    if len(url) > (Item._meta.get_field("poster_url").max_length or 0):
        raise LineProblem("the address is too long.")
    return url


def synopsis(raw: str) -> str:
    text = _visible(_unescaped(raw), keep="\n").strip()
    if len(text) > LONGEST_SYNOPSIS:
        raise LineProblem(f"the synopsis has {len(text)} characters; {LONGEST_SYNOPSIS} fit.")
    return "" if _is_missing(text) else text


def text(raw: str, name: str, longest: int | None) -> str:
    """Return one line of text without entities, invisible characters and doubled spaces."""
    text = " ".join(_visible(_unescaped(raw), keep="").split())
    if not text:
        raise LineProblem(f"{name} is empty.")
    if longest is not None and len(text) > longest:
        raise LineProblem(f"{name} has {len(text)} characters; {longest} fit.")
    return text


def _unescaped(raw: str) -> str:
    try:
        return html.unescape(raw)
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise LineProblem(f"{_shown(raw)} holds a character reference with too many digits.") from None


def _visible(text: str, keep: str) -> str:
    return "".join(
        char if char in keep or char.isprintable() else " " for char in text if char not in "\u200b\xad\ufeff"
    )


def _shown(raw: str) -> str:
    return f"“{raw[:40]}…”" if len(raw) > 40 else f"“{raw}”"
