"""One person's list by two rankers, side by side: what a checkpoint would change for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from django.contrib.auth.models import AbstractBaseUser

from catalog.models import Item
from recommender.controls import View
from recommender.feed import PAGE_SIZE
from recommender.models import Checkpoint
from recommender.order import Order
from recommender.serving import LiveRanker, live_ranker


@dataclass(frozen=True)
class Place:
    """One place of both lists; `moved` tells how far the right title stands from its place on the left."""

    number: int
    left: str
    right: str
    stays: bool  # the left one's title is on the right list too
    moved: str


@dataclass(frozen=True)
class Lists:
    """Both first pages; empty where popularity decides for both."""

    places: tuple[Place, ...]
    overlap: int
    personal: bool  # either ranker knows something that they said; else both show what is popular

    @classmethod
    def of(cls, user: AbstractBaseUser, left: LiveRanker, right: LiveRanker) -> Self:
        """Rank for a person as their feed would, by either ranker, without their filters and sliders."""
        order = replace(Order.of(user), view=View())
        before, now = (_page(order, live) for live in (left, right))
        names = dict(Item.objects.filter(pk__in={*before, *now}).values_list("pk", "name"))
        places = tuple(_places(before, now, names))
        return cls(places, len(set(before) & set(now)), _knows(left, order) or _knows(right, order))


def _page(order: Order, live: LiveRanker) -> list[int]:
    ranker = live if _knows(live, order) else None
    return replace(order, live=ranker, catalogue=live.catalogue, beliefs={}).slice(0, PAGE_SIZE)


def _knows(live: LiveRanker, order: Order) -> bool:
    return any(live.ranker.knows(said.anime_id) for said in order.counted)


def _places(left: Sequence[int], right: Sequence[int], names: dict[int, str]) -> list[Place]:
    was = {pk: place for place, pk in enumerate(left, start=1)}
    return [
        Place(number, names.get(old, ""), names.get(now, ""), old in right, _moved(was.get(now), number))
        for number, (old, now) in enumerate(zip(left, right, strict=False), start=1)
    ]


def _moved(was: int | None, place: int) -> str:
    if was is None:
        return "new"
    return "" if was == place else f"{'↑' if was > place else '↓'} {abs(was - place)}"


def load(checkpoint: Checkpoint, live: LiveRanker | None) -> LiveRanker:
    """Return a checkpoint's ranker: the live one where that is it. Raises NotServable."""
    if live is not None and live.version == checkpoint.version:
        return live
    return live_ranker(checkpoint, live.catalogue if live else None)
