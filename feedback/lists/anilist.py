"""AniList's JSON: a `MediaListCollection` as its API answers, or any JSON that holds such entries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from feedback.lists.fields import day_of, id_of, moment_of, number_of, titles_of
from feedback.lists.rows import (
    MOST_ROWS,
    MOST_VALUES,
    ListFileError,
    Row,
    Status,
    too_many_rows,
    too_many_values,
)
from feedback.lists.scores import ANILIST, Scale, scale_of

STATUSES = {
    "CURRENT": Status.WATCHING,
    "REPEATING": Status.WATCHING,
    "COMPLETED": Status.COMPLETED,
    "PAUSED": Status.ON_HOLD,
    "DROPPED": Status.DROPPED,
    "PLANNING": Status.PLANNED,
}
IDS = ("idMal", "malId", "mal_id", "anime_id")
NAMES = ("userPreferred", "romaji", "english", "native")


def read_anilist(text: str) -> tuple[list[Row], Scale]:
    """Read a file. Raises ListFileError where it holds no list."""
    if text.count(",") + text.count("[") + text.count("{") > MOST_VALUES:
        raise too_many_values()
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ListFileError("This JSON breaks off or is damaged. Export your list again.") from error
    entries = list(_entries(content))
    if len(entries) > MOST_ROWS:
        raise too_many_rows()
    if not entries:
        raise ListFileError(
            "This JSON holds no list that we know: it should be AniList's MediaListCollection, with idMal."
        )
    scores = [number_of(entry.get("score")) for entry in entries]
    scale = _declared_scale(content) or scale_of(scores)
    scored = zip(entries, scores, strict=True)
    return [_row(entry, scale.out_of_ten(score) if score else None) for entry, score in scored], scale


def _dicts(content: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in the order of the file, entries not looked into."""
    stack = [content]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            yield value
            inner = [] if _is_entry(value) else list(value.values())
        else:
            inner = value if isinstance(value, list) else []
        stack.extend(part for part in reversed(inner) if isinstance(part, dict | list))


def _entries(content: Any) -> Iterator[dict[str, Any]]:
    for value in _dicts(content):
        if _is_entry(value) and _media(value).get("type") != "MANGA":
            yield value


def _is_entry(value: dict[str, Any]) -> bool:
    says_something = "status" in value or "score" in value
    return says_something and any(name in value for name in ("media", "title", *IDS))


def _declared_scale(content: Any) -> Scale | None:
    named = (value.get("scoreFormat") for value in _dicts(content))
    return next((ANILIST[name] for name in named if isinstance(name, str) and name in ANILIST), None)


def _media(entry: dict[str, Any]) -> dict[str, Any]:
    media = entry.get("media")
    return media if isinstance(media, dict) else {}


def _row(entry: dict[str, Any], score: float | None) -> Row:
    media = _media(entry)
    ids = (id_of(holder.get(name)) for holder in (media, entry) for name in IDS)
    title = media.get("title") or entry.get("title")
    names = [title.get(name) for name in NAMES] if isinstance(title, dict) else [title]
    status = entry.get("status")
    row = Row(
        titles=titles_of(names),
        anime_id=next((found for found in ids if found), None),
        score=score,
        status=STATUSES.get(status.upper(), Status.UNKNOWN) if isinstance(status, str) else Status.UNKNOWN,
    )
    moments = (_date(entry, "completedAt"), moment_of(entry.get("updatedAt")), _date(entry, "startedAt"))
    return replace(row, when=next((moment for moment in moments if moment), None))


def _date(entry: dict[str, Any], name: str) -> Any:
    parts = entry.get(name)
    if not isinstance(parts, dict):
        return moment_of(parts)
    return day_of(parts.get("year"), parts.get("month"), parts.get("day"))
