"""Reading catalogue files: each line becomes a patch, or a rejection that says where and why."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog import fields
from catalog.fields import LARGEST_NUMBER, MOST_EPISODES, LineProblem
from catalog.models import LONGEST_NAME, Franchise

ITEM_COLUMNS = ("anime_id", "name", "genre", "type", "episodes", "rating", "members")
MOST_UNPACKED = 256 << 20  # bytes; a catalogue of 20,000 titles with synopses has a tenth of it
_OPENERS: dict[str, Callable[[Path], Any]] = {".xz": lzma.open, ".gz": gzip.open}


class FileProblem(ValueError):  # noqa: N818  (it is told to people: "problem" reads better than "error")
    """The file as a whole cannot be read; nothing of it may be imported."""


@dataclass(frozen=True)
class Rejection:
    file: str
    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, {self.place}: {self.reason}"


@dataclass(frozen=True)
class Patch:
    """What one line says about one title. Nothing unknown is in `values`, so nothing known is wiped."""

    anime_id: int
    file: str
    place: str
    values: dict[str, Any] = field(default_factory=dict)
    genres: tuple[str, ...] = ()
    franchise: str = ""
    creates: bool = False

    def rejected(self, reason: str) -> Rejection:
        return Rejection(self.file, self.place, reason)


Lines = Iterator[Patch | Rejection]


def read_items(path: Path) -> Lines:
    """Read Kaggle's anime.csv, or our starter file, which has its columns."""
    return _read_csv(path, ITEM_COLUMNS, _item)


def read_metadata(path: Path) -> Lines:
    return _read_csv(
        path, ("anime_id", "year"), lambda row: {"values": fields.known(year=fields.year(row["year"]))}
    )


def read_posters(path: Path) -> Lines:
    return _read_csv(
        path,
        ("anime_id", "poster_url"),
        lambda row: {"values": fields.known(poster_url=fields.url(row["poster_url"]))},
    )


def read_synopses(path: Path) -> Lines:
    return _read_csv(
        path,
        ("anime_id", "synopsis"),
        lambda row: {"values": fields.known(synopsis=fields.synopsis(row["synopsis"]))},
    )


def read_franchises(path: Path) -> Lines:
    """Read a JSON list of {"name": ..., "anime_ids": [...]}; a title belongs to the first that names it."""
    try:
        groups = json.loads(_text_of(path))
    except (ValueError, RecursionError) as error:
        raise FileProblem(f"{path.name} is not JSON: {error}.") from error
    if not isinstance(groups, list) or not groups:
        raise FileProblem(
            f'{path.name} should be a list of {{"name": ..., "anime_ids": [...]}} with an entry.'
        )
    return _read_groups(path.name, groups)


def _read_groups(file: str, groups: list[Any]) -> Lines:
    owners: dict[int, str] = {}
    for number, group in enumerate(groups, start=1):
        place = f"entry {number}"
        try:
            name, ids = _group(group)
        except LineProblem as problem:
            yield Rejection(file, place, str(problem))
            continue
        for anime_id in ids:
            owner = owners.setdefault(anime_id, name)
            if owner == name:
                yield Patch(anime_id, file, place, franchise=name)
            else:
                yield Rejection(file, place, f"anime_id {anime_id} already belongs to “{owner}”.")


def _group(group: Any) -> tuple[str, list[int]]:
    if not isinstance(group, dict) or not isinstance(group.get("name"), str):
        raise LineProblem('it should look like {"name": "...", "anime_ids": [1, 2]}.')
    ids = group.get("anime_ids")
    if not isinstance(ids, list) or not all(type(i) is int and 0 < i <= LARGEST_NUMBER for i in ids):
        raise LineProblem("anime_ids should be a list of positive whole numbers.")
    return fields.text(group["name"], "name", Franchise._meta.get_field("name").max_length), ids


def _read_csv(path: Path, columns: Iterable[str], parse: Callable[[dict[str, str]], dict[str, Any]]) -> Lines:
    """Yield what each line of a CSV says; encoding and header are checked before the first."""
    reader = csv.reader(io.StringIO(_text_of(path), newline=""), strict=True)
    header = _header(path, reader, columns)
    return _read_lines(path.name, reader, header, parse)


def _header(path: Path, reader: Any, columns: Iterable[str]) -> list[str]:
    try:
        header = [column.strip() for column in next(reader, [])]
    except csv.Error as error:
        raise FileProblem(f"{path.name} is not a CSV file: {error}.") from error
    missing = [column for column in columns if header.count(column) != 1]
    if missing:
        raise FileProblem(
            f"{path.name} should begin with a line naming its columns, {', '.join(columns)}; "
            f"not there exactly once: {', '.join(missing)}."
        )
    return header


def _read_lines(
    file: str, reader: Any, header: list[str], parse: Callable[[dict[str, str]], dict[str, Any]]
) -> Lines:
    seen: dict[int, int] = {}
    start = reader.line_num + 1
    try:
        for values in reader:
            place, line, start = f"line {start}", start, reader.line_num + 1
            if not values:
                continue
            try:
                row = _row(header, values)
                anime_id = fields.anime_id(row["anime_id"])
                if (first := seen.setdefault(anime_id, line)) != line:
                    raise LineProblem(f"anime_id {anime_id} is already on line {first}.")
                yield Patch(anime_id, file, place, **parse(row))
            except LineProblem as problem:
                yield Rejection(file, place, str(problem))
    except csv.Error as error:
        raise FileProblem(f"{file}, line {start}: this is not CSV: {error}.") from error


def _row(header: list[str], values: list[str]) -> dict[str, str]:
    if len(values) != len(header):
        raise LineProblem(
            f"{len(values)} fields where the header has {len(header)}; a field with a comma needs quotes."
        )
    return dict(zip(header, values, strict=True))


def _item(row: dict[str, str]) -> dict[str, Any]:
    name = fields.text(row["name"], "name", LONGEST_NAME)
    return {
        "values": {"name": name}
        | fields.known(
            type=fields.kind(row["type"]),
            episodes=fields.whole(row["episodes"], "episodes", 1, MOST_EPISODES),
            rating_mean=fields.rating(row["rating"]),
            members=fields.whole(row["members"], "members", 0, LARGEST_NUMBER),
        ),
        "genres": fields.genres(row["genre"]),
        "creates": True,
    }


def _text_of(path: Path) -> str:
    """Return the whole file as text, unpacked where its name ends in .xz or .gz."""
    try:
        with _OPENERS.get(path.suffix, Path.open)(path, mode="rb") as file:
            content: bytes = file.read(MOST_UNPACKED + 1)
        if len(content) > MOST_UNPACKED:
            raise FileProblem(f"{path.name} holds more than {MOST_UNPACKED >> 20} MB: import it in parts.")
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileProblem(f"{path.name} is not UTF-8 text: save it as UTF-8 and try again.") from error
    except (lzma.LZMAError, zlib.error, gzip.BadGzipFile, EOFError) as error:
        raise FileProblem(f"{path.name} is damaged or not a {path.suffix} file: {error}.") from error
    except OSError as error:
        raise FileProblem(f"{path} cannot be read: {error.strerror}.") from error
    if "\0" in text:
        raise FileProblem(f"{path.name} is not a text file: it holds NUL bytes.")
    if not text.strip():
        raise FileProblem(f"{path.name} is empty.")
    return text
