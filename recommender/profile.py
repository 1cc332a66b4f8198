"""A person's taste in figures: how often they love what they know, by genre and by decade."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from catalog.models import Item
from feedback.history import History
from feedback.models import FeedbackType
from recommender.online import Rate
from recommender.radar import Radar

ENOUGH = 5  # reactions of which a rate may be believed; below, the page says that it is few
MAX_GENRES = 12
MIN_AXES, MAX_AXES = 3, 8  # of the radar


@dataclass(frozen=True)
class Facts:
    """What a profile asks of a title."""

    year: int | None
    genres: tuple[str, ...]


@dataclass(frozen=True)
class LoveRate:
    """How many of the titles of one kind that a person reacted to they loved."""

    label: str
    rate: Rate

    @property
    def is_few(self) -> bool:
        return self.rate.trials < ENOUGH


@dataclass(frozen=True)
class Taste:
    """The rates of one person; titles out of sight are in none of them."""

    counts: Mapping[FeedbackType, int]
    genres: tuple[LoveRate, ...]  # those most reacted to, the surest love first
    decades: tuple[LoveRate, ...]  # the oldest first
    undated: int  # reactions to titles without a year

    @property
    def known(self) -> int:
        return sum(self.counts.values())

    @property
    def loved(self) -> int:
        return self.counts[FeedbackType.LOVE]

    @property
    def liked(self) -> int:
        return self.counts[FeedbackType.LIKE]

    @property
    def disliked(self) -> int:
        return self.counts[FeedbackType.DISLIKE]

    @property
    def overall(self) -> Rate:
        return Rate(self.loved, max(self.known, 1))

    @cached_property
    def radar(self) -> Radar | None:
        """Draw the genres that have enough reactions; None where too few have for a shape."""
        enough = [each for each in self.genres if not each.is_few]
        axes = sorted(enough, key=lambda each: -each.rate.trials)[:MAX_AXES]
        if len(axes) < MIN_AXES:
            return None
        return Radar(tuple((each.label, each.rate) for each in axes), self.overall.value)


def taste_of(history: History, facts: Mapping[int, Facts]) -> Taste:
    """Count what a history says about the titles of `facts`; other titles do not count."""
    said = [
        (each.feedback_type, facts[each.anime_id]) for each in history.reactions if each.anime_id in facts
    ]
    genres = _rates((genre, said_so) for said_so, fact in said for genre in fact.genres)
    most = sorted(genres, key=lambda each: (-each.rate.trials, each.label))[:MAX_GENRES]
    decades = _rates((fact.year // 10 * 10, said_so) for said_so, fact in said if fact.year)
    return Taste(
        counts=Counter(said_so for said_so, _ in said),
        genres=tuple(sorted(most, key=lambda each: (-each.rate.low, -each.rate.trials, each.label))),
        decades=tuple(LoveRate(f"{each.label}s", each.rate) for each in decades),
        undated=sum(not fact.year for _, fact in said),
    )


def _rates(said: Iterable[tuple[Hashable, FeedbackType]]) -> list[LoveRate]:
    """Return the love-rate of each kind, by its name."""
    trials: Counter[str] = Counter()
    loves: Counter[str] = Counter()
    for kind, feedback_type in said:
        trials[str(kind)] += 1
        loves[str(kind)] += feedback_type == FeedbackType.LOVE
    return [LoveRate(kind, Rate(loves[kind], trials[kind])) for kind in sorted(trials)]


def facts_about(history: History, *, adult: bool) -> dict[int, Facts]:
    """Return what is known of the titles of a history that are on show: one query."""
    rows = Item.objects.visible(adult=adult).filter(pk__in=history.anime_ids)
    facts: dict[int, Facts] = {}
    for pk, year, genre in rows.order_by("pk", "genres__name").values_list("pk", "year", "genres__name"):
        before = facts[pk].genres if pk in facts else ()
        facts[pk] = Facts(year, (*before, genre) if genre else before)
    return facts
