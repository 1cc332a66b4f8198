"""The bar above the feed: what its form shows, which chips stand beside it, and where each link leads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, reduce

from django.urls import reverse
from django.utils.http import urlencode

from catalog.models import Item
from recommender import moods
from recommender.catalogue import Rows
from recommender.controls import LEAST_VARIETY, NEUTRAL, Controls, View
from recommender.filters import fewest_in_the_way
from recommender.order import Order

DISCOVERY = ("Well known", "Mostly known", "As foretold", "Lesser known", "Hidden gems")
VARIETY = ("As foretold", "A little", "Some", "A lot", "All sorts")
SCORES = (6.0, 6.5, 7.0, 7.5, 8.0, 8.5)
MEMBERS = (1_000, 10_000, 50_000, 100_000, 500_000)


@dataclass(frozen=True)
class Chip:
    """A link that changes one thing: the label, where it leads, and what it leaves there."""

    label: str
    url: str
    key: str = ""
    is_on: bool = False
    cards: int = 0


@dataclass(frozen=True)
class Choice:
    """One value of a control, and whether it is the one chosen; a genre may be chosen against."""

    value: str | float
    label: str
    is_on: bool
    is_out: bool = False


@dataclass(frozen=True)
class Bar:
    """What the templates draw of one order's controls."""

    order: Order

    @property
    def controls(self) -> Controls:
        return self.order.view.controls

    @property
    def view(self) -> View:
        return self.order.view

    def url(self, controls: Controls) -> str:
        return address(self.view.query_of(controls))

    @cached_property
    def genres(self) -> list[Choice]:
        """Return the genres a person may choose; those for adults only where they are switched on."""
        chosen, catalogue = self.controls, self.order.catalogue
        out_of_sight = catalogue.has_genre[~self.order.situation.visible].sum(axis=0)  # of few titles
        shown = (catalogue.titles_of_genre > out_of_sight).tolist()
        return [
            Choice(name, name, name in chosen.include, name in chosen.exclude)
            for name, is_shown in zip(catalogue.genres, shown, strict=True)
            if is_shown or name in chosen.include or name in chosen.exclude
        ]

    @property
    def types(self) -> list[Choice]:
        known = self.order.catalogue.kinds
        return [
            Choice(value, label, value in self.controls.types)
            for value, label in Item.Type.choices
            if value in known or value in self.controls.types
        ]

    @property
    def years(self) -> tuple[int, int] | None:
        """Return the first and the last year of the catalogue, or None where it knows none."""
        return self.order.catalogue.span

    @property
    def scores(self) -> list[Choice]:
        chosen = self.controls.min_score
        steps = sorted({*SCORES, chosen} - {None})  # type: ignore[type-var]
        return [Choice(f"{step:g}", f"{step:g} or more", step == chosen) for step in steps]

    @property
    def members(self) -> list[Choice]:
        chosen = self.controls.min_members
        steps = sorted({*MEMBERS, chosen} - {None})  # type: ignore[type-var]
        return [Choice(str(step), f"{step:,} or more", step == chosen) for step in steps]

    @property
    def discovery(self) -> str:
        return DISCOVERY[self.controls.discovery]

    @property
    def variety(self) -> str:
        return VARIETY[self.controls.variety]

    @property
    def discovery_steps(self) -> str:
        return "|".join(DISCOVERY)

    @property
    def variety_steps(self) -> str:
        return "|".join(VARIETY)

    @cached_property
    def chips(self) -> list[Chip]:
        """Return what is set, each with the address without it."""
        return [*self._chips()]

    def _chips(self) -> Iterator[Chip]:
        controls = self.controls
        for each in self.order.situation.filters:
            yield Chip(each.label, self.url(each.drop(controls)))
        if controls.discovery != NEUTRAL:
            yield Chip(self.discovery, self.url(replace(controls, discovery=NEUTRAL)))
        if controls.variety != LEAST_VARIETY:
            yield Chip(f"Variety: {self.variety.lower()}", self.url(replace(controls, variety=LEAST_VARIETY)))

    @cached_property
    def like(self) -> Chip | None:
        """Return the title that tonight is to be like, and the address without it."""
        rows = self.order.catalogue.rows_of([self.controls.like or 0])
        if not len(rows):
            return None
        return Chip(self._best_known(rows), self.url(replace(self.controls, like=None)))

    @cached_property
    def near(self) -> Chip | None:
        """Name the region that tonight is to be near by its best-known title, and the address without it."""
        rows = self.order.catalogue.rows_of(self.controls.near)
        if not len(rows):
            return None
        others = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        return Chip(f"{self._best_known(rows)}{others}", self.url(replace(self.controls, near=())))

    def _best_known(self, rows: Rows) -> str:
        """Name the best-known title of some rows that the person may see: an address must not name others."""
        catalogue, shown = self.order.catalogue, rows[self.order.situation.visible[rows]]
        if not len(shown):
            return "a title that is not shown"
        return catalogue.names[int(shown[catalogue.members[shown].argmax()])]

    @cached_property
    def moods(self) -> list[Chip]:
        """Return the moods, each with the address that switches it on or off."""
        return [*self._moods()]

    def _moods(self) -> Iterator[Chip]:
        chosen = self.controls.moods
        for mood in moods.offered(self.order.catalogue):
            is_on = mood in chosen
            rest = tuple(other for other in chosen if other != mood)
            after = rest if is_on else (*rest, mood)[-moods.MOST :]
            yield Chip(moods.LABELS[mood], self.url(replace(self.controls, moods=after)), mood, is_on)

    @property
    def clear_url(self) -> str:
        return self.url(Controls().steered_as(self.controls))

    @property
    def share_url(self) -> str:
        """Return an address that shows the same to anybody, whatever they keep themselves."""
        return address(self.controls.query())

    @property
    def has_kept(self) -> bool:
        return self.view.kept != Controls()

    @cached_property
    def like_url(self) -> str:
        """Return the beginning of the address that steers tonight to a title: its id is to follow."""
        here = self.url(replace(self.controls, like=None))
        return f"{here}{'&' if '?' in here else '?'}like="

    @cached_property
    def loosened(self) -> list[Chip]:
        """Return what to loosen where nothing passes: the fewest filters, and how many titles that frees."""
        chips = []
        for filters, cards in fewest_in_the_way(self.order.situation.filters, self.order.unfiltered):
            controls = reduce(lambda left, each: each.drop(left), filters, self.controls)
            words = " and ".join(f"“{each.label}”" for each in filters)
            chips.append(Chip(f"Without {words}", self.url(controls), cards=cards))
        return chips


def address(query: str, **more: int | None) -> str:
    """Return the feed's address with a query string and more of it."""
    parts = [
        part for part in (urlencode({name: value for name, value in more.items() if value}), query) if part
    ]
    return reverse("recommender:feed") + (f"?{'&'.join(parts)}" if parts else "")
