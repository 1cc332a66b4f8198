"""CSV: tables that a person makes in a spreadsheet, and our own export, read and written."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from catalog.text import harmless, without_apostrophe
from feedback.lists.fields import id_of, moment_of, number_of, text_of, titles_of
from feedback.lists.rows import (
    MOST_ROWS,
    MOST_VALUES,
    ListFileError,
    Row,
    Status,
    too_many_rows,
    too_many_values,
)
from feedback.lists.scores import Scale, scale_of
from feedback.models import FeedbackType

HEADER = ("anime_id", "title", "feedback", "status", "date", "saved")
# Our name of a column, and the others that people give it.
NAMES = {
    "anime_id": ("anime_id", "mal_id", "idmal", "id", "series_animedb_id"),
    "title": ("title", "name", "anime", "series_title"),
    "score": ("score", "rating", "my_score"),
    "status": ("status", "my_status"),
    "date": ("date", "timestamp", "when", "my_finish_date"),
    "feedback": ("feedback", "reaction"),
    "saved": ("saved",),
}
STATUSES = {
    "current": Status.WATCHING,
    "on-hold": Status.ON_HOLD,
    "onhold": Status.ON_HOLD,
    "paused": Status.ON_HOLD,
    "planned": Status.PLANNED,
    "planning": Status.PLANNED,
    "plantowatch": Status.PLANNED,
    "plan to watch": Status.PLANNED,
} | {status.value: status for status in Status}
REACTIONS = {kind.name.lower(): kind for kind in FeedbackType if kind is not FeedbackType.RETRACTED}
MOST_COLUMNS = 1000
NO = {"", "0", "no", "false", "-"}


def read_csv(text: str) -> tuple[list[Row], Scale]:
    """Read a table with a header. Raises ListFileError where the header names neither anime_id nor title."""
    delimiter = _delimiter(text)
    if text.count(delimiter) + text.count("\n") > MOST_VALUES:
        raise too_many_values()
    lines = csv.reader(_lines(text), delimiter=delimiter)
    try:
        columns = _columns(next(lines, []))
        rows = [_row(columns, cells) for cells in _bounded(lines)]
    except csv.Error as error:
        raise ListFileError(f"Line {lines.line_num} of this CSV cannot be read ({error}).") from error
    scale = scale_of([row.score for row in rows])
    return [replace(row, score=scale.out_of_ten(row.score) if row.score else None) for row in rows], scale


def _lines(text: str) -> Iterator[str]:
    """Yield the lines one by one: `StringIO` would take four bytes for each character of the text."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _delimiter(text: str) -> str:
    first = text[:2000].lstrip("\n\r").split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _columns(header: list[str]) -> dict[str, int]:
    if len(header) > MOST_COLUMNS:
        raise ListFileError(f"This CSV has more than {MOST_COLUMNS} columns: keep those of the list alone.")
    places = {cell.strip().lower().replace(" ", "_"): place for place, cell in enumerate(header)}
    found = {
        ours: next(places[name] for name in names if name in places)
        for ours, names in NAMES.items()
        if any(name in places for name in names)
    }
    if "anime_id" not in found and "title" not in found:
        raise ListFileError(
            "This is neither MyAnimeList's XML, nor AniList's JSON, nor a CSV file whose first line names the"
            " columns: anime_id or title, and where you like score, status, date, feedback, saved."
        )
    return found


def _bounded(lines: Iterable[list[str]]) -> Iterator[list[str]]:
    for count, cells in enumerate((cells for cells in lines if any(cells)), start=1):
        if count > MOST_ROWS:
            raise too_many_rows()
        yield cells


def _row(columns: dict[str, int], cells: list[str]) -> Row:
    cell = {name: cells[place].strip() for name, place in columns.items() if place < len(cells)}
    saved = cell.get("saved", "")
    return Row(
        titles=titles_of([without_apostrophe(cell.get("title", ""))]),
        anime_id=id_of(cell.get("anime_id")),
        score=number_of(cell.get("score")) or None,  # still in the list's own scale
        status=STATUSES.get(cell.get("status", "").lower().replace("_", " "), Status.UNKNOWN),
        when=moment_of(cell.get("date")),
        reaction=REACTIONS.get(cell.get("feedback", "").lower()),
        is_saved=saved.lower() not in NO,
        saved_at=moment_of(saved) if len(saved) >= len("2026-01-31") else None,
    )


def write_csv(rows: Iterable[Row]) -> Iterator[str]:
    """Yield the file line by line."""
    yield _line(HEADER)
    for row in rows:
        said = row.says
        yield _line(
            (
                row.item_id or row.anime_id or "",
                row.title,
                said.name.lower() if said else "",
                row.status.value,
                row.when.isoformat() if row.when else "",
                (row.kept_at.isoformat() if row.kept_at else "yes") if row.keeps else "",
            )
        )


def _line(cells: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([harmless(text_of(str(cell))) for cell in cells])
    return line.getvalue()
