"""Which of our titles the rows of a list mean: by MyAnimeList id, else by the exact name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from catalog.models import LONGEST_NAME, Item
from catalog.text import fold
from feedback.lists.rows import Row

AT_A_TIME = 500  # values in one query
LONG_AGO = datetime.min.replace(tzinfo=UTC)
T = TypeVar("T", int, str)


def matched(rows: Collection[Row]) -> list[Row]:
    """Return the rows with what they mean, each title once; two queries for every 500 rows."""
    known = _known({row.anime_id for row in rows if row.anime_id})
    by_name = [row for row in rows if row.anime_id not in known]
    named = _named({name for row in by_name for name in _names(row)})
    found = (replace(row, item_id=_meant(row, known, named)) for row in rows)
    return _each_once(found)


def _meant(row: Row, known: set[int], named: dict[str, int]) -> int | None:
    if row.anime_id in known:
        return row.anime_id
    return next((named[name] for name in _names(row) if name in named), None)


def _names(row: Row) -> list[str]:
    return [name for title in row.titles if (name := fold(title)[:LONGEST_NAME])]


def _known(ids: set[int]) -> set[int]:
    found = (Item.objects.filter(pk__in=some).values_list("pk", flat=True) for some in _some(ids))
    return {pk for pks in found for pk in pks}


def _named(names: set[str]) -> dict[str, int]:
    """Return the titles of these folded names; a name that two titles share means neither."""
    found: dict[str, int] = {}
    ambiguous = set()
    for some in _some(names):
        for name, pk in Item.objects.filter(search_name__in=some).values_list("search_name", "pk"):
            if name in found:
                ambiguous.add(name)
            found[name] = pk
    return {name: pk for name, pk in found.items() if name not in ambiguous}


def _some(values: Iterable[T]) -> Iterator[list[T]]:
    rest = list(values)
    return (rest[start : start + AT_A_TIME] for start in range(0, len(rest), AT_A_TIME))


def _each_once(rows: Iterable[Row]) -> list[Row]:
    """Keep of the rows about one title the last word, by date and then by place; unmatched ones all stay."""
    kept: list[Row] = []
    place: dict[int, int] = {}
    for row in rows:
        if row.item_id is None or row.item_id not in place:
            if row.item_id is not None:
                place[row.item_id] = len(kept)
            kept.append(row)
            continue
        earlier = kept[place[row.item_id]]
        newer = (row.when or LONG_AGO) >= (earlier.when or LONG_AGO)
        kept[place[row.item_id]] = row if newer else earlier
    return kept
