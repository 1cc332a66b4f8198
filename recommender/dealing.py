"""How the list and the wildcards share the pages of a feed: exactly so many of them on each of the first.

Pages are dealt from the top, so that page 3 is the same whether it is asked for alone or below the first two:
no title comes twice, a wildcard is no longer on the list, and where a pool is empty the list fills its page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from feedback.days import site_today
from recommender.order import Order
from recommender.wildcards import PAGES, Evidence, Wildcard, choose, evidence, pool_of


@dataclass(frozen=True)
class Place:
    """What stands at one place of a page; `propensity` is the chance with which a wildcard had to be it."""

    anime_id: int
    is_wildcard: bool = False
    propensity: float = 1.0


def deal(order: Order, first: int, last: int, size: int, *, who: object) -> tuple[list[list[Place]], bool]:
    """Return pages `first` to `last` (1 is the top) of `size` places, and whether the list goes on below.

    `who` is whom the draw is for. Only a list that the model ranks has wildcards.
    """
    wild_pages = min(last, PAGES) if order.live and order.wildcards else 0
    deep = pool_of(wild_pages).stop if wild_pages else 0
    ranked = order.slice(0, max(last * size + wild_pages * order.wildcards + 1, deep))
    drawn = _drawn(order, ranked, wild_pages, who)
    taken = {wildcard.anime_id for page in drawn for wildcard in page}
    rest = (anime_id for anime_id in ranked if anime_id not in taken)
    pages = []
    for number in range(1, last + 1):
        guests = drawn[number - 1] if number <= len(drawn) else []
        pages.append(_mixed(list(islice(rest, size - len(guests))), guests, size))
    return pages[first - 1 :], next(rest, None) is not None


def _drawn(order: Order, ranked: Sequence[int], pages: int, who: object) -> list[list[Wildcard]]:
    """Draw the wildcards of the first pages."""
    if not pages or order.live is None:
        return []
    today = site_today()
    known = order.live.remembered.answer(("evidence", today), lambda: evidence(today))
    drawn = []
    for page in range(1, pages + 1):
        pool, seed = tuple(ranked[pool_of(page)]), (who, today, page)
        question = ("wildcards", seed, order.wildcards, pool)  # with the checkpoint, all that decides it
        drawn.append(order.live.remembered.answer(question, partial(_choice, order, pool, known, seed)))
    return drawn


def _choice(order: Order, pool: tuple[int, ...], known: Evidence, seed: tuple[object, ...]) -> list[Wildcard]:
    return choose(pool, order.wildcards, novelty(order, pool), known, seed)


def novelty(order: Order, pool: Sequence[int]) -> NDArray[np.float64]:
    """Return how little known each title of a pool is among them, from 0 to 1, by rank."""
    places = np.argsort(np.argsort(-order.familiarity(pool), kind="stable"), kind="stable")
    return places / max(len(pool) - 1, 1)


def _mixed(ranked: list[int], guests: Sequence[Wildcard], size: int) -> list[Place]:
    """Spread the wildcards evenly over a page."""
    return list(_placed(iter(ranked), guests, size)) if ranked else []


def _placed(ranked: Iterator[int], guests: Sequence[Wildcard], size: int) -> Iterator[Place]:
    at = {(number + 1) * size // (len(guests) + 1): guest for number, guest in enumerate(guests)}
    for place in range(size):
        if guest := at.get(place):
            yield Place(guest.anime_id, is_wildcard=True, propensity=guest.propensity)
        elif (anime_id := next(ranked, None)) is not None:
            yield Place(anime_id)
