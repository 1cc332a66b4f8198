"""Which of our titles the rows of a list mean: by MyAnimeList id, else by the exact name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from catalog.models import LONGEST_NAME, Item, MergedItem
from catalog.text import fold
from feedback.lists.rows import Row

AT_A_TIME = 500  # values in one query
LONG_AGO = datetime.min.replace(tzinfo=UTC)
T = TypeVar("T", int, str)


def matched(rows: Collection[Row]) -> list[Row]:
    """Return the rows with what they mean, each title once; three queries for every 500 rows."""
    known = _known({row.anime_id for row in rows if row.anime_id})
    names = [[] if row.anime_id in known else _names(row) for row in rows]
    named = _named({name for some in names for name in some})
    found = (
        replace(row, item_id=_meant(row, some, known, named)) for row, some in zip(rows, names, strict=True)
    )
    return _each_once(found)


def followed(rows: Iterable[Row]) -> list[Row]:
    """Return the rows with titles that were merged since they were matched as what they are now."""
    heirs = MergedItem.objects.heirs()
    return [replace(row, item_id=heirs[row.item_id]) if row.item_id in heirs else row for row in rows]


def _meant(row: Row, names: list[str], known: dict[int, int], named: dict[str, int]) -> int | None:
    if row.anime_id in known:
        return known[row.anime_id]
    return next((named[name] for name in names if name in named), None)


def _names(row: Row) -> list[str]:
    return [name for title in row.titles if (name := fold(title)[:LONGEST_NAME])]


def _known(ids: set[int]) -> dict[int, int]:
    """Return the title that each id means: itself, or what a duplicate was merged into."""
    known = {pk: heir for pk, heir in MergedItem.objects.heirs().items() if pk in ids}
    for some in _some(ids):
        known |= {pk: pk for pk in Item.objects.filter(pk__in=some).values_list("pk", flat=True)}
    return known


def _named(names: set[str]) -> dict[str, int]:
    """Return the titles of these folded names; a name that two titles share means neither."""
    found: dict[str, set[int]] = {}
    for some in _some(names):
        titles = Item.objects.filter(search_name__in=some).values_list("search_name", "pk")
        merged = MergedItem.objects.filter(search_name__in=some).values_list("search_name", "item_id")
        for name, pk in [*titles, *merged]:
            found.setdefault(name, set()).add(pk)
    return {name: pks.pop() for name, pks in found.items() if len(pks) == 1}


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
