"""The situation: everything the rules judge by, and the one title of each series that may be on a card."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from feedback.models import FeedbackType
from recommender.catalogue import Catalogue, Mask, Rows, first_of_each
from recommender.controls import Controls
from recommender.filters import Filter, filters_of


@dataclass(frozen=True, eq=False)
class Situation:
    """One person before one catalogue. Masks and rows are those of the catalogue."""

    catalogue: Catalogue
    said: Mapping[int, FeedbackType] = field(default_factory=dict)  # anime_id -> the reaction that stands
    hidden: Collection[int] = ()  # by curators
    shows_adult: bool = False
    watched: Collection[int] = ()  # seen without an opinion
    dismissed: Collection[int] = ()  # set aside without an opinion, with the titles that go with them
    controls: Controls = field(default_factory=Controls)

    @cached_property
    def visible(self) -> Mask:
        return ~(self.catalogue.mask_of(self.hidden) | self.adult)

    def on_show(self, anime_ids: Collection[int]) -> list[int]:
        """Keep the titles that the person may see."""
        rows = self.catalogue.rows_of(anime_ids)
        shown: list[int] = self.catalogue.ids[rows[self.visible[rows]]].tolist()
        return shown

    @cached_property
    def adult(self) -> Mask:
        """Mark the titles for adults while they are switched off."""
        none = np.zeros(len(self.catalogue), dtype=bool)
        return none if self.shows_adult else self.catalogue.is_adult

    @cached_property
    def reacted(self) -> Mask:
        return self.catalogue.mask_of(self.said.keys())

    @cached_property
    def seen(self) -> Mask:
        return self.reacted | self.catalogue.mask_of(self.watched)

    @cached_property
    def set_aside(self) -> Mask:
        return self.catalogue.mask_of(self.dismissed)

    @cached_property
    def filters(self) -> list[Filter]:
        return filters_of(self.controls, self.catalogue)

    @cached_property
    def begun(self) -> Mask:
        """Mark the series of which the person has seen a main entry, by number."""
        return self._groups(self.seen & self.catalogue.is_main)

    @cached_property
    def left(self) -> Mask:
        """Mark the series of which the person disliked a main entry, by number."""
        disliked = [pk for pk, said in self.said.items() if said == FeedbackType.DISLIKE]
        return self._groups(self.catalogue.mask_of(disliked) & self.catalogue.is_main)

    @cached_property
    def entries(self) -> Rows:
        """Return for each series the row of its card: where to start, or what comes next; -1 for none."""
        entries = np.full(len(self.catalogue.begins) - 1, -1)
        order = self.catalogue.start_first
        starts = first_of_each(self.catalogue.group, order[(self.visible & ~self.seen)[order]])
        entries[self.catalogue.group[starts]] = starts
        entries[self.begun] = -1
        continuations = self._continuations()
        entries[self.catalogue.group[continuations]] = continuations
        return entries

    def entry_of(self, row: int) -> int:
        """Return the row of the card of a title's series; -1 for none."""
        return int(self.entries[self.catalogue.group[row]])

    def label_of(self, anime_id: int) -> str:
        """Say on a card where in its series it stands; nothing for a title by itself."""
        for row in self.catalogue.rows_of([anime_id]):
            group = int(self.catalogue.group[row])
            rows = self.catalogue.series_rows(group)
            rows = rows[self.visible[rows] | self.seen[rows]]
            if len(rows) < 2:
                return ""
            if not self.begun[group]:
                return f"Start here · {len(rows)} entries"
            return f"{'Next' if self._comes_later(row) else 'You missed this'} · {len(rows)} entries"
        return ""

    def _continuations(self) -> Rows:
        """Return the next title of each series begun.

        That is the main entry after the last one seen: of the same show, else of another that is known; else
        an earlier one that was missed; else a film, of the same show first; else the rest.
        """
        catalogue = self.catalogue
        done = np.flatnonzero(self.seen & catalogue.is_main)
        latest = np.full(len(self.begun), -1)
        np.maximum.at(latest, catalogue.group[done], catalogue.place[done])
        line = catalogue.line[catalogue.in_order[latest]]
        left = np.flatnonzero(self.visible & ~self.seen & self.begun[catalogue.group])
        group, place, main = catalogue.group[left], catalogue.place[left], catalogue.is_main[left]
        later, same_show = place > latest[group], catalogue.line[left] == line[group]
        known = catalogue.is_known[left]
        choices = (
            later & same_show & main,
            later & known & main,
            known & main,
            later & same_show & catalogue.is_regular[left],
            known & catalogue.is_regular[left],
        )
        choice = np.select(choices, range(len(choices)), len(choices))
        return first_of_each(catalogue.group, left[np.lexsort((place, choice, group))])

    def _comes_later(self, row: int) -> bool:
        rows = self.catalogue.series_rows(int(self.catalogue.group[row])).tolist()
        return any(self.seen[rows[: rows.index(row)]])

    def _groups(self, rows: Mask) -> Mask:
        groups = np.zeros(len(self.catalogue.begins) - 1, dtype=bool)
        groups[self.catalogue.group[rows]] = True
        return groups
