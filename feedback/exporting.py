"""From the log to a training file: the standing reactions, as `ml.prepare --ratings` reads them."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from django.utils.crypto import salted_hmac

from feedback.models import Event, FeedbackType

HEADER = ("user_id", "anime_id", "feedback", "timestamp")
CHUNK = 2000
PEOPLE_AT_A_TIME = 500  # named in one query: databases limit how many values it may have

Row = tuple[str, int, str, str]


class ExportError(Exception):
    """The file cannot be written; the message says why and what to do."""


@dataclass(frozen=True)
class Extent:
    """Which part of the log is exported; all of it where nothing is said."""

    since: datetime | None = None  # only reactions from then on
    until: int | None = None  # only events up to this id, so that what is said meanwhile waits
    people: Sequence[int] | None = None  # only these users, in this order


EVERYTHING = Extent()


def export_events(path: Path, extent: Extent = EVERYTHING) -> int:
    """Write the standing reactions of `extent` to a CSV file, and return how many.

    People who opted out of training and accounts that are switched off are left out. One line a person and
    title, each person's lines together and oldest first. At no time is there half a file: it is written aside
    and renamed. Memory holds one person's history, not the log.
    Raises ExportError where the file cannot be written.
    """
    try:
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 600
    except OSError as error:
        raise ExportError(
            f"{path}: cannot write there ({error.strerror}). Name a file in a folder that exists."
        ) from error
    try:
        with os.fdopen(descriptor, "w", newline="", encoding="utf-8") as file:
            count = _write(file, extent)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except OSError as error:
        raise ExportError(
            f"{path}: writing failed ({error.strerror}); an older file is untouched."
        ) from error
    finally:
        Path(draft).unlink(missing_ok=True)
    return count


def _write(file: object, extent: Extent) -> int:
    writer = csv.writer(file, lineterminator="\n")  # type: ignore[arg-type]
    writer.writerow(HEADER)
    count = 0
    for row in _rows(extent):
        writer.writerow(row)
        count += 1
    return count


def _rows(extent: Extent) -> Iterator[Row]:
    """Yield the rows of the file, reading the log in chunks."""
    for user_id, said in groupby(_said(extent), key=lambda columns: columns[0]):
        pseudonym = pseudonym_of(user_id)
        latest: dict[int, tuple[FeedbackType, datetime]] = {}
        for _, anime_id, feedback_type, timestamp in said:
            latest.pop(anime_id, None)  # a changed mind moves the title to where it was changed
            latest[anime_id] = FeedbackType(feedback_type), timestamp
        for anime_id, (feedback_type, timestamp) in latest.items():
            if extent.since is None or timestamp >= extent.since:
                moment = timestamp.astimezone(UTC).isoformat(timespec="microseconds")
                yield pseudonym, anime_id, feedback_type.name.lower(), moment


def _said(extent: Extent) -> Iterator[tuple[int, int, int, datetime]]:
    """Yield who said what of which title when, person by person."""
    events = Event.objects.standing().teaching().order_by("user_id", "timestamp", "id")
    if extent.until is not None:
        events = events.filter(pk__lte=extent.until)
    columns = events.values_list("user_id", "item_id", "feedback_type", "timestamp")
    if extent.people is None:
        yield from columns.iterator(chunk_size=CHUNK)
    else:
        for chunk in batched(extent.people, PEOPLE_AT_A_TIME):
            yield from columns.filter(user__in=chunk).iterator(chunk_size=CHUNK)


def batched(people: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """Cut into pieces of at most `size`."""
    return (people[start : start + size] for start in range(0, len(people), size))


def pseudonym_of(user_id: int) -> str:
    """Return the name that stands for a person in training files: the same in every export, and not their id.

    Training files travel and last longer than accounts. Keyed with the site's secret, a name cannot be traced
    back by trying all ids; the prefix keeps it text, and apart from the numbers in rating.csv.
    """
    digest = salted_hmac("feedback.exporting", str(user_id), algorithm="sha256").hexdigest()
    return f"site-{digest[:16]}"
