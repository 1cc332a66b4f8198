"""The catalogue as the rules read it: one immutable snapshot of columns, a row a title, made once a change.

Rules are masks over its rows: to judge 17,000 titles costs a fraction of a millisecond, and no query.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from django.db.models import Count, Max, Q
from django.utils import timezone
from numpy.typing import NDArray

from catalog.models import Genre, Item, MergedItem
from recommender.series import series_name, series_of

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

# A series begins with its first entry of these kinds that at least this share of the people know who know its
# best-known one: a pilot film, a crossover or an old version that few came by is no place to start.
_REGULAR = (Item.Type.TV.value, Item.Type.MOVIE.value, Item.Type.OVA.value, Item.Type.ONA.value)
KNOWN_TO_START = 0.5
# So does what a series goes on with in another show: crossovers and curiosities come last.
KNOWN_TO_FOLLOW = 0.1


@dataclass(frozen=True, eq=False)
class Catalogue:
    """The facts on every title, by row; rows are in the order of ids. Nothing here is written to again."""

    version: tuple[Any, ...]  # tells when it is out of date
    ids: Rows
    names: tuple[str, ...]
    series: Mapping[int, str]  # anime_id -> what its seasons and films have in common
    group: Rows  # the same as a number
    line: Rows  # which titles are named alike: the shows that a franchise may be made of
    years: Rows  # 0 where unknown, as the two below
    scores: NDArray[np.float64]
    members: Rows
    types: NDArray[np.str_]
    is_adult: Mask
    is_hidden: Mask  # by curators
    genres: tuple[str, ...]
    has_genre: Mask  # (rows, genres)
    in_order: Rows  # rows, series by series, each from its first title to its last
    start_first: Rows  # the same, but what a person may begin with stands before the rest of its series
    is_main: Mask  # what counts as having begun a series, and as having done with it
    is_regular: Mask  # told in full: series and films, no specials, no music
    is_known: Mask  # to some at least of those who know the best-known of its series
    heirs: Mapping[int, int]  # what the ids of merged titles mean now
    begins: Rows  # where a group's rows begin in `in_order`; one more at the end

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def popular(self) -> Rows:
        """Return all rows, the best-known title first."""
        return np.lexsort((self.ids, -self.members))

    @cached_property
    def titles_of_genre(self) -> Rows:
        """Count the titles of each genre."""
        counts: Rows = self.has_genre.sum(axis=0)
        return counts

    @cached_property
    def kinds(self) -> frozenset[str]:
        """Return the types that there are."""
        return frozenset(self.types.tolist())

    @cached_property
    def span(self) -> tuple[int, int] | None:
        """Return the first and the last year, or None where no title has one."""
        dated = self.years[self.years > 0]
        return (int(dated.min()), int(dated.max())) if len(dated) else None

    @cached_property
    def place(self) -> Rows:
        """Return where in `in_order` each row stands."""
        place = np.empty(len(self), dtype=np.int64)
        place[self.in_order] = np.arange(len(self))
        return place

    def rows_of(self, anime_ids: Collection[int]) -> Rows:
        """Return the rows of those titles that are here."""
        wanted = np.fromiter(anime_ids, dtype=np.int64, count=len(anime_ids))
        if not len(self):
            return wanted[:0]
        rows = np.searchsorted(self.ids, wanted)
        rows[rows == len(self)] = 0
        here: Rows = rows[self.ids[rows] == wanted]
        return here

    def meant_by(self, anime_id: int) -> int:
        """Return the title that an id means now."""
        return self.heirs.get(anime_id, anime_id)

    def has(self, anime_id: int) -> bool:
        """Tell whether there is such a title that curators have not hidden."""
        return not self.is_hidden[self.rows_of([anime_id])].all()

    def mask_of(self, anime_ids: Collection[int]) -> Mask:
        """Mark the rows of those titles."""
        mask = np.zeros(len(self), dtype=bool)
        mask[self.rows_of(anime_ids)] = True
        return mask

    def genres_of(self, anime_id: int) -> tuple[str, ...]:
        """Name a title's genres, in the order of their names."""
        for row in self.rows_of([anime_id]):
            return tuple(self.genres[column] for column in np.flatnonzero(self.has_genre[row]))
        return ()

    def ids_of(self, mask: Mask) -> list[int]:
        """Return the titles that a mask marks."""
        found: list[int] = self.ids[mask].tolist()
        return found

    def series_rows(self, group: int) -> Rows:
        """Return the rows of one series in its order."""
        return self.in_order[self.begins[group] : self.begins[group + 1]]


def catalogue_version() -> tuple[Any, ...]:
    """Return what changes whenever a snapshot would, in two cheap queries.

    A franchise that is deleted touches none of its titles, but fewer have one then.
    """
    # What a clock that was ahead wrote would hide every later change until its time comes.
    latest = Max("updated_at", filter=Q(updated_at__lte=timezone.now()))
    hidden = Count("pk", filter=Q(is_hidden=True))
    facts = Item.objects.aggregate(count=Count("pk"), latest=latest, placed=Count("franchise"), hidden=hidden)
    return facts["count"], facts["latest"], facts["placed"], facts["hidden"], tuple(_genres())


def read_catalogue(version: tuple[Any, ...]) -> Catalogue:
    """Read every title. It takes a good half second for 17,000: keep the result for as long as it holds."""
    columns = ("pk", "name", "franchise_id", "year", "rating_mean", "members", "type", "is_hidden")
    rows = list(Item.objects.order_by("pk").values_list(*columns))
    series = series_of((pk, name, franchise) for pk, name, franchise, *_ in rows)
    names = {name: number for number, name in enumerate(dict.fromkeys(series.values()))}
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    genres = list(_genres())
    has_genre = _genres_of(ids, [pk for pk, *_ in genres])
    years = np.array([row[3] or 0 for row in rows], dtype=np.int64)
    types = np.array([row[6] for row in rows], dtype=str)
    group = np.array([names[name] for name in series.values()], dtype=np.int64)
    in_order = _in_order(group, years, len(names))
    members = np.array([row[5] for row in rows], dtype=np.int64)
    start_first = _start_first(group, in_order, types, members, len(names))
    best = _best_known(group, members, len(names))
    lines = [series_name(row[1]) for row in rows]
    return Catalogue(
        version=version,
        ids=ids,
        names=tuple(row[1] for row in rows),
        series=series,
        group=group,
        line=np.unique(lines, return_inverse=True)[1] if lines else group,
        years=years,
        scores=np.array([row[4] or 0.0 for row in rows]),
        members=members,
        types=types,
        is_adult=np.any(has_genre & np.array([is_adult for *_, is_adult in genres], dtype=bool), axis=1),
        is_hidden=np.array([row[7] for row in rows], dtype=bool),
        genres=tuple(name for _, name, _ in genres),
        has_genre=has_genre,
        in_order=in_order,
        start_first=start_first,
        is_main=_main(group, types, start_first, len(names)),
        is_regular=np.isin(types, _REGULAR),
        heirs=MergedItem.objects.heirs(),
        is_known=members >= KNOWN_TO_FOLLOW * best[group],
        begins=np.searchsorted(group[in_order], np.arange(len(names) + 1)),
    )


def _genres() -> Iterable[tuple[int, str, bool]]:
    return Genre.objects.values_list("pk", "name", "is_adult")


def _genres_of(ids: Rows, genres: Iterable[int]) -> Mask:
    columns = {pk: column for column, pk in enumerate(genres)}
    pairs = list(Item.genres.through.objects.values_list("item_id", "genre_id"))
    marked = np.zeros((len(ids), len(columns)), dtype=bool)
    known = [(item, columns[genre]) for item, genre in pairs if genre in columns]
    if known and len(ids):
        items, places = np.array(known, dtype=np.int64).T
        rows = np.minimum(np.searchsorted(ids, items), len(ids) - 1)
        here = ids[rows] == items  # a title may have come since the rows were read
        marked[rows[here], places[here]] = True
    return marked


def _in_order(group: Rows, years: Rows, n_groups: int) -> Rows:
    """Order by year within a series where all of it have one, else by id.

    Ids at MyAnimeList rise with time, and what was there from the beginning has its series in order mostly.
    """
    undated = np.bincount(group[years == 0], minlength=n_groups) > 0
    age = np.where(undated[group], 0, years)
    return np.lexsort((np.arange(len(group)), age, group))


def _start_first(group: Rows, in_order: Rows, types: NDArray[np.str_], members: Rows, n_groups: int) -> Rows:
    regular = np.isin(types, _REGULAR)
    best = _best_known(group[regular], members[regular], n_groups)
    fitness = np.where(regular, np.where(members >= KNOWN_TO_START * best[group], 0, 1), 2)
    place = np.empty(len(group), dtype=np.int64)
    place[in_order] = np.arange(len(group))
    return np.lexsort((place, fitness, group))


def _best_known(group: Rows, members: Rows, n_groups: int) -> NDArray[np.float64]:
    """Return how many know the best-known of each group."""
    best = np.zeros(n_groups)
    np.maximum.at(best, group, members)
    return best


def _main(group: Rows, types: NDArray[np.str_], start_first: Rows, n_groups: int) -> Mask:
    """Mark the television series; of a series without any, what is regular; without that, all of it."""
    is_tv, regular = types == Item.Type.TV.value, np.isin(types, _REGULAR)
    has_tv, has_regular = (np.bincount(group[each], minlength=n_groups) > 0 for each in (is_tv, regular))
    main: Mask = np.where(has_tv[group], is_tv, regular | ~has_regular[group])
    main[first_of_each(group, start_first)] = True
    return main


def first_of_each(group: Rows, rows: Rows) -> Rows:
    """Return the first of `rows`, which come group by group, of each group that has one."""
    groups = group[rows]
    return rows[np.flatnonzero(np.diff(groups, prepend=-1))]
