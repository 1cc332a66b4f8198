"""Filters: the controls that leave titles out, each apart, so that a page can say which one to loosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from django.contrib.humanize.templatetags.humanize import intcomma

from recommender.catalogue import Catalogue, Mask
from recommender.controls import Controls


@dataclass(frozen=True, eq=False)
class Filter:
    """One filter: its words, the titles it leaves out, and how to set controls without it."""

    label: str
    leaves_out: Mask
    drop: Callable[[Controls], Controls]


def filters_of(controls: Controls, catalogue: Catalogue) -> list[Filter]:
    """Return what is set, in the order of the form. A fact that is not known passes no filter on it."""
    return [*_genres(controls, catalogue), *_facts(controls, catalogue)]


def _genres(controls: Controls, catalogue: Catalogue) -> Iterator[Filter]:
    column = {name: catalogue.has_genre[:, place] for place, name in enumerate(catalogue.genres)}
    for name in controls.include:
        yield Filter(name, ~column[name], partial(_without_genre, name=name))
    for name in controls.exclude:
        yield Filter(f"No {name}", column[name], partial(_without_genre, name=name))


def _without_genre(controls: Controls, name: str) -> Controls:
    include, exclude = (
        tuple(other for other in names if other != name) for names in (controls.include, controls.exclude)
    )
    return replace(controls, include=include, exclude=exclude)


def _facts(controls: Controls, catalogue: Catalogue) -> Iterator[Filter]:
    if controls.types:
        wrong = ~np.isin(catalogue.types, controls.types)
        yield Filter(" or ".join(controls.types), wrong, lambda c: replace(c, types=()))
    years = controls.year_from, controls.year_to
    if years != (None, None):
        first, last = years[0] or 1, years[1] or 9999
        wrong = (catalogue.years < first) | (catalogue.years > last)
        yield Filter(_years(*years), wrong, lambda c: replace(c, year_from=None, year_to=None))
    if controls.min_score is not None:
        label = f"Score {controls.min_score:g} or more"
        yield Filter(label, catalogue.scores < controls.min_score, lambda c: replace(c, min_score=None))
    if controls.min_members is not None:
        label = f"{intcomma(controls.min_members)} members or more"
        yield Filter(label, catalogue.members < controls.min_members, lambda c: replace(c, min_members=None))


def fewest_in_the_way(filters: Sequence[Filter], wanted: Mask) -> list[tuple[list[Filter], int]]:
    """Return the smallest sets of filters without which some of the rows `wanted` pass, and how many do.

    The one that frees most comes first, three at most; nothing where no row is wanted at all.
    """
    fails = np.array([each.leaves_out[wanted] for each in filters]).T  # (rows, filters)
    if not fails.size:
        return []
    amount = fails.sum(axis=1)
    sets, counts = np.unique(fails[amount == amount.min()], axis=0, return_counts=True)
    best = np.argsort(-counts, kind="stable")[:3]
    return [
        ([filters[place] for place in np.flatnonzero(sets[row]).tolist()], int(counts[row])) for row in best
    ]


def _years(first: int | None, last: int | None) -> str:
    if first is None:
        return f"Until {last}"
    if last is None:
        return f"Since {first}"
    return str(first) if first == last else f"{first} to {last}"
