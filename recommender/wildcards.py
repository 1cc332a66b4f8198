"""Wildcards: labelled cards from beyond a person's list, chosen by a bandit that learns from what they got.

Each of the first pages has its own pool, deep in the person's order but allowed by all its rules. From a pool
a title is drawn by Thompson sampling (Thompson, 1933; Chapelle and Li, 2011): its chance of being loved is
drawn from a Beta distribution, wide where it was seldom shown, and the highest draw is shown. Novel titles
get a bonus. The chance with which a title was to be chosen is logged with it, so that other ways of choosing
can be judged by the same log (`ml.off_policy`).

Only what happened before today decides, and the draw is seeded: a page looks the same all day until the
person's own answers change it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b

import numpy as np
from django.core.cache import cache
from django.db.models import Count, Q
from numpy.typing import NDArray

from feedback.models import FeedbackType
from recommender.models import Impression

PAGES = 5  # of the feed, from the top, that have wildcards,
POOL_STARTS = 100  # whose pools begin below the places that those pages show
POOL = 60  # titles of one page's pool
PRIOR = 10.0  # showings that what the ranker thinks of a title is worth
TILT = 0.25  # how much likelier the first of a pool is to be loved than the middle, before anything is known
NOVELTY = 0.5  # how much the most novel title of a pool gains over the best-known one
DRAWS = 400  # to find out how likely a choice was
MEMORY = timedelta(days=90)
A_DAY = 24 * 3600  # seconds


@dataclass(frozen=True)
class Wildcard:
    """A title, and the chance that it had to be the one."""

    anime_id: int
    propensity: float


@dataclass(frozen=True)
class Evidence:
    """What wildcards got from everybody so far: how often each was shown, and loved."""

    shown: Mapping[int, int]
    loved: Mapping[int, int]

    @property
    def rate(self) -> float:
        """Return how often a wildcard is loved; one in ten before there is anything to go by."""
        return (sum(self.loved.values()) + 1) / (sum(self.shown.values()) + 10)


def evidence(today: date) -> Evidence:
    """Count what wildcards got before today, asked of the database once a day: all processes deal alike.

    What is said today about a card of yesterday counts tomorrow.
    """
    known: Evidence | None = cache.get(f"wildcards-{today}")
    if known is None:
        known = _counted(today)
        cache.set(f"wildcards-{today}", known, A_DAY)
    return known


def _counted(today: date) -> Evidence:
    shown = Impression.objects.filter(slot=Impression.Slot.WILDCARD, day__gte=today - MEMORY, day__lt=today)
    loved = Count("pk", filter=Q(event__feedback_type=FeedbackType.LOVE))
    rows = list(shown.values_list("item").annotate(times=Count("pk"), loved=loved).order_by())
    return Evidence({pk: n for pk, n, _ in rows}, {pk: n for pk, _, n in rows if n})


def pool_of(page: int) -> slice:
    """Return which places of a person's order page 1, 2, … draws from; none of them is another page's."""
    start = POOL_STARTS + (page - 1) * POOL
    return slice(start, start + POOL)


def choose(
    pool: Sequence[int], n: int, novelty: NDArray[np.float64], known: Evidence, seed: Sequence[object]
) -> list[Wildcard]:
    """Choose n titles of a pool in its order, `novelty` (len(pool),) from 0 to 1; fewer where it has fewer.

    Each is the best of a draw of its own among those left. Its propensity is the share of DRAWS further draws
    in which it would have been chosen, with one more for every title, so that none is impossible.
    """
    if not pool or n < 1:
        return []
    rng = np.random.default_rng(int.from_bytes(blake2b(repr(tuple(seed)).encode(), digest_size=8).digest()))
    draws = _chances(pool, known, rng, n + DRAWS) * (1 + NOVELTY * novelty)
    chosen: list[Wildcard] = []
    for draw in range(min(n, len(pool))):
        place = int(draws[draw].argmax())
        wins = int((draws[n:].argmax(1) == place).sum())
        chosen.append(Wildcard(pool[place], (wins + 1) / (DRAWS + len(pool) - draw)))
        draws[:, place] = -1.0  # shown already
    return chosen


def _chances(pool: Sequence[int], known: Evidence, rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Draw how often each title of the pool would be loved, (n, len(pool))."""
    shown = np.array([known.shown.get(anime_id, 0) for anime_id in pool], dtype=float)
    loved = np.array([known.loved.get(anime_id, 0) for anime_id in pool], dtype=float)
    rate = min(max(known.rate, 0.01), 0.5)
    believed = rate * np.linspace(1 + TILT, 1 - TILT, len(pool))
    return rng.beta(PRIOR * believed + loved, PRIOR * (1 - believed) + shown - loved, (n, len(pool)))
