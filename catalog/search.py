"""Title search that forgives case, accents, spacing, word order and typing mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, overload

import numpy as np
from django.db.models import Max
from django.utils import timezone
from rapidfuzz import fuzz, process

from catalog.models import Item, ItemQuerySet
from catalog.text import fold

LONGEST_QUERY = 100
SHORTEST_FUZZY = 4  # below this everything resembles everything
SIMILAR = 78  # of 100; below it the hits are noise
BAND = 4  # similarities this close are ties, which popularity breaks
FEW = 800  # up to here asking the database about the matches is cheaper than listing what is visible

# Fuzzy matches stay below 100.
EXACT, JOINED, PREFIX, JOINED_PREFIX, WORDS, INSIDE = 600, 500, 400, 300, 200, 150


@dataclass(frozen=True)
class _Index:
    """Every folded title, most popular first, so that a stable sort breaks ties by popularity."""

    stamp: tuple[int, datetime | None]
    ids: list[int]
    names: list[str]
    spaced: list[str]  # with a space before each word: " death note"
    joined: list[str]  # without spaces: "deathnote"
    reordered: list[str]  # words sorted: "death note", "kyojin no shingeki"
    lengths: np.ndarray

    def rank(self, query: str) -> list[int]:
        """Return the ids that match the folded `query`, best first."""
        scores = self._literal(query)
        if max(scores.values(), default=0) < WORDS and len(query) >= SHORTEST_FUZZY:
            scores = self._similar(query) | scores
        return [self.ids[i] for i, _ in sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))]

    def _literal(self, query: str) -> dict[int, int]:
        joined = query.replace(" ", "")
        scores = {}
        if len(joined) >= SHORTEST_FUZZY:
            found = [(i, name) for i, name in enumerate(self.joined) if joined in name]
            scores = {i: _grade(name, joined, JOINED, JOINED_PREFIX, INSIDE) for i, name in found}
        for i in self._with_words(query.split()):
            scores[i] = max(scores.get(i, 0), _grade(self.names[i], query, EXACT, PREFIX, WORDS))
        return scores

    def _with_words(self, words: list[str]) -> list[int]:
        """Return the titles in which every word of the query begins a word; the order does not matter."""
        found: list[int] | range = range(len(self.spaced))
        for start in sorted((f" {word}" for word in set(words)), key=len, reverse=True):
            found = [i for i in found if start in self.spaced[i]]
        return list(found)

    def _similar(self, query: str) -> dict[int, int]:
        """Return likely misspellings; a title much shorter than the query is inside it only by accident."""
        near = np.flatnonzero(self.lengths >= 0.7 * len(query))
        part = _similarity(fuzz.partial_ratio, query, [self.names[i] for i in near])
        whole = _similarity(fuzz.ratio, " ".join(sorted(query.split())), [self.reordered[i] for i in near])
        best = np.maximum(part, whole)
        hits = np.flatnonzero(best >= SIMILAR)
        return {int(near[hit]): int(best[hit] // BAND) for hit in hits}


def _grade(name: str, query: str, equal: int, begins: int, otherwise: int) -> int:
    return equal if name == query else begins if name.startswith(query) else otherwise


_index: _Index | None = None


class Found(Sequence[Item]):
    """Titles in order of relevance, which a paginator cuts; only the slice shown is fetched."""

    def __init__(self, ids: list[int]) -> None:
        self.ids = ids

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, at: int) -> Item: ...
    @overload
    def __getitem__(self, at: slice) -> list[Item]: ...
    def __getitem__(self, at: int | slice) -> Item | list[Item]:
        if isinstance(at, int):
            return self[at : at + 1 or None][0]
        items = Item.objects.with_facts().in_bulk(self.ids[at])
        return [items[anime_id] for anime_id in self.ids[at] if anime_id in items]


def find(query: str, titles: ItemQuerySet) -> Found | ItemQuerySet:
    """Return those of `titles` that are like `query`, best first; without a query all, most popular first."""
    query = query.strip()
    return Found(search_titles(query, titles)) if query else titles.popular().with_facts()


def search_titles(query: str, items: ItemQuerySet) -> list[int]:
    """Return the ids of `items` whose title matches `query`, best first; none for a query without letters."""
    folded = fold(query[:LONGEST_QUERY])
    if not folded:
        return []
    ranked = _current_index().rank(folded)
    if len(ranked) <= FEW:
        items = items.filter(pk__in=ranked)
    allowed = set(items.order_by().values_list("pk", flat=True))
    return [anime_id for anime_id in ranked if anime_id in allowed]


def _current_index() -> _Index:
    """Return the index of the catalogue as it is now: two cheap queries say whether it changed."""
    global _index
    # What a clock that was ahead wrote would hide every later change until its time comes.
    past = Item.objects.filter(updated_at__lte=timezone.now())
    stamp = (Item.objects.count(), past.aggregate(latest=Max("updated_at"))["latest"])
    index = _index
    if index is None or index.stamp != stamp:
        # Rebinding one name: a search in another thread keeps the index it began with.
        index = _index = _build(stamp)
    return index


def _build(stamp: tuple[int, datetime | None]) -> _Index:
    # Hidden titles are in it too: what a person may see is asked of the database at each search.
    rows = list(Item.objects.popular().values_list("pk", "search_name"))
    names = [name for _, name in rows]
    return _Index(
        stamp=stamp,
        ids=[pk for pk, _ in rows],
        names=names,
        spaced=[f" {name}" for name in names],
        joined=[name.replace(" ", "") for name in names],
        reordered=[" ".join(sorted(name.split())) for name in names],
        lengths=np.fromiter(map(len, names), dtype=np.int64, count=len(names)),
    )


def _similarity(scorer: Any, query: str, names: list[str]) -> np.ndarray:
    scores: np.ndarray = process.cdist(
        [query], names, scorer=scorer, score_cutoff=SIMILAR, dtype=np.float32, workers=1
    )[0]
    return scores
