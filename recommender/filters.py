"""Filters: the controls that leave titles out, each apart, so that a page can say which one to loosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.contrib.humanize.templatetags.humanize import intcomma

from recommender.catalogue import Catalogue, Mask
from recommender.controls import Controls


@dataclass(frozen=True, eq=False)
class Filter:
    """One filter: its words, the titles it leaves out, and the controls without it."""

    label: str
    leaves_out: Mask
    without: Controls


def filters_of(controls: Controls, catalogue: Catalogue) -> list[Filter]:
    """Return what is set, in the order of the form. A fact that is not known passes no filter on it."""
    return [*_genres(controls, catalogue), *_facts(controls, catalogue)]


def _genres(controls: Controls, catalogue: Catalogue) -> Iterator[Filter]:
    column = {name: catalogue.has_genre[:, place] for place, name in enumerate(catalogue.genres)}
    for name in controls.include:
        rest = tuple(other for other in controls.include if other != name)
        yield Filter(name, ~column[name], replace(controls, include=rest))
    for name in controls.exclude:
        rest = tuple(other for other in controls.exclude if other != name)
        yield Filter(f"No {name}", column[name], replace(controls, exclude=rest))


def _facts(controls: Controls, catalogue: Catalogue) -> Iterator[Filter]:
    if controls.types:
        wrong = ~_is_one_of(catalogue, controls.types)
        yield Filter(" or ".join(controls.types), wrong, replace(controls, types=()))
    years = controls.year_from, controls.year_to
    if years != (None, None):
        first, last = years[0] or 1, years[1] or 9999
        wrong = (catalogue.years < first) | (catalogue.years > last)
        yield Filter(_years(*years), wrong, replace(controls, year_from=None, year_to=None))
    if controls.min_score is not None:
        label = f"Score {controls.min_score:g} or more"
        yield Filter(label, catalogue.scores < controls.min_score, replace(controls, min_score=None))
    if controls.min_members is not None:
        label = f"{intcomma(controls.min_members)} members or more"
        yield Filter(label, catalogue.members < controls.min_members, replace(controls, min_members=None))


def _is_one_of(catalogue: Catalogue, types: tuple[str, ...]) -> Mask:
    found: Mask = catalogue.types == types[0]
    for kind in types[1:]:
        found = found | (catalogue.types == kind)
    return found


def _years(first: int | None, last: int | None) -> str:
    if first is None:
        return f"Until {last}"
    if last is None:
        return f"Since {first}"
    return str(first) if first == last else f"{first} to {last}"
