"""Controls: what a person sets above the feed. A query string is their one form: in the address, and kept.

An address that names any control (or `tuned=1`) says everything about the view, and wins over what was kept.
It changes nothing that was kept until the person presses Keep. A mood is never kept: it lives in the address
alone and is gone with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import QueryDict
from django.utils.http import urlencode

from catalog.models import Item
from recommender.catalogue import Catalogue
from recommender.moods import MOODS, MOST, MOST_NEAR

TUNED = "tuned"
STEPS = 5  # of each slider
NEUTRAL, LEAST_VARIETY = 2, 0  # where the sliders stand for somebody who never moved them
LONGEST_VIEW = 2_000  # characters of a kept query string: every genre and type there is, and to spare
EARLIEST, LATEST = 1900, 2100
MOST_MEMBERS, GREATEST_LIKE = 100_000_000, 999_999_999
FIELDS = ("in", "out", "type", "from", "to", "score", "members", "discovery", "variety")
STEERING = ("mood", "like", "near")

Refuse = Callable[[str], object]


@dataclass(frozen=True)
class Controls:
    """One setting of everything above the feed; as it comes, it changes nothing."""

    include: tuple[str, ...] = ()  # genres a title must all have
    exclude: tuple[str, ...] = ()  # genres it must not have
    types: tuple[str, ...] = ()  # it is one of these
    year_from: int | None = None
    year_to: int | None = None
    min_score: float | None = None
    min_members: int | None = None
    discovery: int = NEUTRAL
    variety: int = LEAST_VARIETY
    moods: tuple[str, ...] = ()
    like: int | None = None  # the title that tonight shall be like
    near: tuple[int, ...] = ()  # titles that stand for a region of the map, to be near tonight

    @property
    def lasting(self) -> Controls:
        """Return what may be kept: all but the mood."""
        return replace(self, moods=(), like=None, near=())

    def steered_as(self, other: Controls) -> Controls:
        """Return this with the mood of `other`."""
        return replace(self, moods=other.moods, like=other.like, near=other.near)

    @property
    def has_mood(self) -> bool:
        return self.lasting != self

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield the names and values of a query string, nothing for what was not set."""
        near = tuple(map(str, self.near))
        lists = {
            "in": self.include,
            "out": self.exclude,
            "type": self.types,
            "mood": self.moods,
            "near": near,
        }
        numbers = {
            "from": self.year_from,
            "to": self.year_to,
            "score": self.min_score,
            "members": self.min_members,
            "discovery": None if self.discovery == NEUTRAL else self.discovery,
            "variety": None if self.variety == LEAST_VARIETY else self.variety,
            "like": self.like,
        }
        yield from ((name, value) for name, values in lists.items() for value in values)
        yield from (
            (name, f"{value:g}" if name == "score" else str(value))
            for name, value in numbers.items()
            if value is not None
        )

    def query(self) -> str:
        """Return the query string that says all of this, also where that is nothing."""
        return urlencode([*self.pairs()] if self.lasting != Controls() else [(TUNED, "1"), *self.pairs()])


@dataclass(frozen=True)
class View:
    """What is shown now, and what the person kept."""

    controls: Controls = field(default_factory=Controls)
    kept: Controls = field(default_factory=Controls)

    @property
    def is_kept(self) -> bool:
        return self.controls.lasting == self.kept

    def query_of(self, controls: Controls) -> str:
        """Return the shortest query string that shows `controls` to this person; empty for what they kept."""
        if controls.lasting != self.kept:
            return controls.query()
        return urlencode([*Controls().steered_as(controls).pairs()])

    @property
    def query(self) -> str:
        return self.query_of(self.controls)


def view_of(asked: QueryDict, kept: str, catalogue: Catalogue) -> View:
    """Read a request's query string beside the kept one; what makes no sense counts as absent."""
    stored = read_controls(QueryDict(kept), catalogue).lasting
    controls = read_controls(asked, catalogue)
    if not any(name in asked for name in (TUNED, *FIELDS)):
        controls = stored.steered_as(controls)
    return View(controls, stored)


def read_controls(asked: QueryDict, catalogue: Catalogue, refuse: Refuse = lambda _: None) -> Controls:
    """Read a query string, calling `refuse` with a sentence for each value that makes no sense."""
    genres = {name.casefold(): name for name in catalogue.genres}
    types = {value.casefold(): value for value in Item.Type.values}
    moods = {name: name for name in MOODS}
    exclude = _names(asked, "out", genres, refuse)
    include = tuple(name for name in _names(asked, "in", genres, refuse) if name not in exclude)
    year_from, year_to = (_whole(asked, name, EARLIEST, LATEST, refuse) for name in ("from", "to"))
    if year_from and year_to and year_from > year_to:
        year_from, year_to = year_to, year_from
    discovery, variety = (_whole(asked, name, 0, STEPS - 1, refuse) for name in ("discovery", "variety"))
    return Controls(
        include=include,
        exclude=exclude,
        types=_names(asked, "type", types, refuse),
        year_from=year_from,
        year_to=year_to,
        min_score=_score(asked, refuse),
        min_members=_whole(asked, "members", 1, MOST_MEMBERS, refuse),
        discovery=NEUTRAL if discovery is None else discovery,
        variety=LEAST_VARIETY if variety is None else variety,
        moods=_names(asked, "mood", moods, refuse)[:MOST],
        like=_title(asked, catalogue, refuse),
        near=_titles(asked, catalogue, refuse)[:MOST_NEAR],
    )


def _names(asked: QueryDict, name: str, known: dict[str, str], refuse: Refuse) -> tuple[str, ...]:
    """Return the values that exist, as we spell them, each once and in our order."""
    values = {value.strip().casefold() for value in asked.getlist(name)} - {""}
    for value in sorted(values - known.keys()):
        kinds = "a genre of the catalogue" if name in ("in", "out") else f"of {', '.join(known.values())}"
        refuse(f"There is no {name}={shortened(value)}: choose {kinds}.")
    return tuple(ours for spelling, ours in known.items() if spelling in values)


def _whole(asked: QueryDict, name: str, least: int, most: int, refuse: Refuse) -> int | None:
    value = asked.get(name, "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value) and least <= int(value) <= most:
        return int(value)
    if value:
        refuse(f"Write {name} as a whole number from {least} to {most}, not {shortened(value)}.")
    return None


def _score(asked: QueryDict, refuse: Refuse) -> float | None:
    value = asked.get("score", "").strip()
    if re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,20})?", value) and 1 <= float(value) <= 10:
        return float(value)
    if value:
        refuse(f"Write score as a number from 1 to 10, not {shortened(value)}.")
    return None


def _title(asked: QueryDict, catalogue: Catalogue, refuse: Refuse) -> int | None:
    anime_id = _whole(asked, "like", 1, GREATEST_LIKE, refuse)
    if anime_id is None:
        return None
    meant = catalogue.meant_by(anime_id)
    if catalogue.has(meant):
        return meant
    refuse(f"There is no title like={anime_id} here: search for one by name.")
    return None


def _titles(asked: QueryDict, catalogue: Catalogue, refuse: Refuse) -> tuple[int, ...]:
    """Return the titles of `near` that exist, each once, in the order given."""
    values = dict.fromkeys(value.strip() for value in asked.getlist("near") if value.strip())
    found = {
        value: meant
        for value in values
        if re.fullmatch(r"[0-9]{1,9}", value) and catalogue.has(meant := catalogue.meant_by(int(value)))
    }
    for value in values.keys() - found.keys():
        refuse(f"There is no title near={shortened(value)} here: search for one by name.")
    return tuple(dict.fromkeys(found.values()))


def shortened(value: Any) -> str:
    """Return what somebody sent, no longer than a sentence can carry."""
    text = str(value)
    return f"“{text}”" if len(text) <= 40 else f"“{text[:40]}…”"
