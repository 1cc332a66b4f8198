"""From the log to a training file: the standing reactions, as `ml.prepare --ratings` reads them."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from django.utils.crypto import salted_hmac

from feedback.models import Event, FeedbackType

HEADER = ("user_id", "anime_id", "feedback", "timestamp")
CHUNK = 2000

Row = tuple[str, int, str, str]


class ExportError(Exception):
    """The file cannot be written; the message says why and what to do."""


def export_events(path: Path, since: datetime | None = None) -> int:
    """Write the standing reactions (from `since` on) of everybody to a CSV file, and return how many.

    One line a person and title, each person's lines together and oldest first. At no time is there half a
    file: it is written aside and renamed. Memory holds one person's history, not the log.
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
            count = _write(file, since)
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


def _write(file: object, since: datetime | None) -> int:
    writer = csv.writer(file, lineterminator="\n")  # type: ignore[arg-type]
    writer.writerow(HEADER)
    count = 0
    for row in _rows(since):
        writer.writerow(row)
        count += 1
    return count


def _rows(since: datetime | None) -> Iterator[Row]:
    """Yield the rows of the file, reading the log in chunks."""
    # Switched-off accounts (spam, mostly) must not teach the model.
    events = Event.objects.standing().filter(user__is_active=True).order_by("user_id", "timestamp", "id")
    columns = events.values_list("user_id", "item_id", "feedback_type", "timestamp")
    for user_id, said in groupby(columns.iterator(chunk_size=CHUNK), key=lambda columns: columns[0]):
        pseudonym = pseudonym_of(user_id)
        latest: dict[int, tuple[FeedbackType, datetime]] = {}
        for _, anime_id, feedback_type, timestamp in said:
            latest.pop(anime_id, None)  # a changed mind moves the title to where it was changed
            latest[anime_id] = FeedbackType(feedback_type), timestamp
        for anime_id, (feedback_type, timestamp) in latest.items():
            if since is None or timestamp >= since:
                moment = timestamp.astimezone(UTC).isoformat(timespec="microseconds")
                yield pseudonym, anime_id, feedback_type.name.lower(), moment


def pseudonym_of(user_id: int) -> str:
    """Return the name that stands for a person in training files: the same in every export, and not their id.

    Training files travel and last longer than accounts. Keyed with the site's secret, a name cannot be traced
    back by trying all ids; the prefix keeps it text, and apart from the numbers in rating.csv.
    """
    digest = salted_hmac("feedback.exporting", str(user_id), algorithm="sha256").hexdigest()
    return f"site-{digest[:16]}"
