"""How checkpoints do with real people: what they say to what they are shown, and how much that covers.

All of it is counted by the database. An impression is a title shown to a person on a day; what followed it is
found by `recommender.outcomes` within minutes, and counts for a day, so the latest day still grows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import sqrt

import numpy as np
from django.db.models import Count, Q

from catalog.models import Item
from feedback.models import FeedbackType
from ml.off_policy import snips
from recommender.models import Impression
from recommender.wildcards import POOL

Z = 1.959964  # of 95 %
POPULAR = "Popular titles"
SLOTS: dict[str, str] = {
    Impression.Slot.RANKED: "The model's list",
    Impression.Slot.WILDCARD: "Wildcards",
    Impression.Slot.POPULAR: POPULAR,
}


@dataclass(frozen=True)
class Rate:
    """So many of so many, with a 95 % interval (Wilson 1927), which holds for few and for none too.

    It takes each impression for itself. Those of one person are alike, so where few people are behind a rate
    the truth may lie further out.
    """

    hits: int
    trials: int  # at least one

    @property
    def value(self) -> float:
        return self.hits / self.trials

    @property
    def low(self) -> float:
        return max(self._centre - self._margin, 0.0)

    @property
    def high(self) -> float:
        return min(self._centre + self._margin, 1.0)

    @property
    def text(self) -> str:
        return percent(self.value)

    @property
    def interval(self) -> str:
        return f"{100 * self.low:.1f}–{100 * self.high:.1f}"

    @property
    def percents(self) -> tuple[float, float, float]:
        """Return the value and the interval's ends in percent, for a drawing."""
        return round(100 * self.value, 1), round(100 * self.low, 1), round(100 * self.high, 1)

    @property
    def _centre(self) -> float:
        return (self.hits + Z**2 / 2) / (self.trials + Z**2)

    @property
    def _margin(self) -> float:
        spread = self.hits * (self.trials - self.hits) / self.trials + Z**2 / 4
        return Z * sqrt(spread) / (self.trials + Z**2)


@dataclass(frozen=True)
class Figures:
    """What came of one version's impressions, on one day or over a whole period."""

    version: str  # empty for popular titles, which no checkpoint ranked
    day: date | None  # None for the whole period
    slot: str  # where they stood; empty for all together
    impressions: int
    people: int
    titles: int  # different ones
    reactions: int
    loves: int
    dislikes: int
    catalogue: int  # titles that can be shown at all

    @property
    def name(self) -> str:
        return SLOTS[self.slot] if self.slot else self.version or POPULAR

    @property
    def love_rate(self) -> Rate:
        return Rate(self.loves, self.impressions)

    @property
    def dislike_rate(self) -> Rate:
        return Rate(self.dislikes, self.impressions)

    @property
    def reaction_rate(self) -> Rate:
        return Rate(self.reactions, self.impressions)

    @property
    def coverage(self) -> float:
        """Return the share of the catalogue that somebody was shown; at most all, where titles went since."""
        return min(self.titles / max(self.catalogue, 1), 1.0)

    @property
    def coverage_text(self) -> str:
        return percent(self.coverage)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def by_version(since: date) -> list[Figures]:
    """Return the figures of each version over the days from `since` on, the most shown first."""
    return sorted(_figures(since, "version"), key=lambda figures: -figures.impressions)


def by_day(since: date) -> list[Figures]:
    """Return the figures of each day from `since` on and each version, the latest day first."""
    return sorted(_figures(since, "version", "day"), key=lambda figures: (figures.day, figures.version))[::-1]


def by_slot(since: date) -> list[Figures]:
    """Return the figures of the model's list, of wildcards and of popular titles, the most shown first."""
    return sorted(_figures(since, "slot"), key=lambda figures: -figures.impressions)


def wildcards_at_random(since: date) -> str:
    """Say how often wildcards would have been loved, had each been drawn from its pool at random.

    By the log of what the bandit chose instead (`ml.off_policy.snips`); nothing where nothing was logged.
    """
    rows = Impression.objects.filter(day__gte=since, slot=Impression.Slot.WILDCARD)
    logged = list(rows.values_list("user", "propensity", "event__feedback_type"))
    if not logged:
        return ""
    people, propensities, feedback = zip(*logged, strict=True)
    loved = np.array([each == FeedbackType.LOVE for each in feedback], dtype=np.float64)
    found = snips(loved, np.array(propensities), np.full(len(logged), 1 / POOL), np.array(people))
    return (
        f"Drawn from their pools at random, {percent(found.reward.mean)} of the wildcards would have been "
        f"loved ({100 * found.reward.low:.1f}–{100 * found.reward.high:.1f}; SNIPS over the logged chances, "
        f"{len(logged):,} cards that count as {found.effective:,.0f})."
    )


def _figures(since: date, *by: str) -> list[Figures]:
    groups = Impression.objects.filter(day__gte=since).values(*by)
    counted = groups.annotate(
        impressions=Count("pk"),
        people=Count("user", distinct=True),
        titles=Count("item", distinct=True),
        reactions=Count("event"),
        loves=Count("pk", filter=Q(event__feedback_type=FeedbackType.LOVE)),
        dislikes=Count("pk", filter=Q(event__feedback_type=FeedbackType.DISLIKE)),
    )
    catalogue = Item.objects.visible(adult=True).count()
    rows = counted.order_by(*by)
    return [Figures(**{"day": None, "version": "", "slot": ""} | row, catalogue=catalogue) for row in rows]
