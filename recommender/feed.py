"""The feed: mask -> rank -> fade -> spread series -> reasons.

History, checkpoint, preferences and what was ignored on the days before today decide it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from catalog.models import Item
from feedback.dismissals import NOTHING, Dismissed, dismissed_by
from feedback.history import History, history_of
from feedback.models import Person
from ml.history import History as MlHistory
from recommender.dismissed import dismissed_ids, sequence_of
from recommender.explanations import Reason, because, popular, real_causes
from recommender.fading import fade, falls_of
from recommender.match import Match, match_of
from recommender.models import preferences_of
from recommender.series import LOOKAHEAD, series_by_id, spread
from recommender.serving import LiveRanker, get_ranker

if TYPE_CHECKING:
    from ml.ranker import Cause

PAGE_SIZE = 20
MAX_SHOWN = 100


@dataclass(frozen=True)
class Card:
    """A title in the feed, and why it is there."""

    item: Item
    reason: Reason
    match: Match | None = None  # None where the model does not know the title, or nobody's taste decides


@dataclass(frozen=True)
class FeedPage:
    """One answer of the feed."""

    cards: tuple[Card, ...]
    start: int  # cards above the first one
    number: int  # of the last page in this answer
    next_number: int | None
    shown: int  # how many cards from the top the reader has now; a reaction asks for as many again
    version: str | None  # the checkpoint that ranked, None for popular titles
    is_personal: bool
    known: int  # reactions that stand
    size: ClassVar[int] = PAGE_SIZE
    matches: ClassVar = tuple(Match)  # the words that cards may carry

    @property
    def ranked_by(self) -> str:
        """Name what ranked every card of this answer, for the header and for the page below it."""
        return self.version or "popularity"


def feed_for(user: Person, *, page: int = 1, shown: int | None = None) -> FeedPage:
    """Return page `page`, or with `shown` the first so many cards at once (whole pages, at most `MAX_SHOWN`).

    Pages never overlap, and nothing `user` reacted to, hidden, or adult while switched off is on any of them.
    A page behind the end has no cards. The number of queries does not depend on the length of the history.
    """
    if shown is None:
        number = max(page, 1)
        start = (number - 1) * PAGE_SIZE
    else:
        number = min(max(-(-shown // PAGE_SIZE), 1), MAX_SHOWN // PAGE_SIZE)
        start = 0
    order = Order.of(user)
    stop = number * PAGE_SIZE
    chosen = order.slice(start, stop + 1)
    has_more = len(chosen) > stop - start
    return FeedPage(
        cards=order.cards(chosen[: stop - start]),
        start=start,
        number=number,
        next_number=number + 1 if has_more else None,
        shown=min(stop, MAX_SHOWN),
        version=order.version,
        is_personal=order.live is not None,
        known=len(order.history),
    )


@dataclass(frozen=True)
class Order:
    """One person's order over the whole visible catalogue; `live` is None where popularity alone decides."""

    history: History
    live: LiveRanker | None
    adult: bool
    falls: Mapping[int, int]  # places that a title shown often and ignored moves down
    dismissed: Dismissed = NOTHING
    # What the ranker said of the titles it was last asked for: anime_id -> log-probability.
    beliefs: dict[int, float] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, user: Person) -> Order:
        """Read what decides the order."""
        adult = preferences_of(user).show_adult
        return cls.by(
            get_ranker(),
            history_of(user),
            adult=adult,
            falls=falls_of(user),
            dismissed=dismissed_by(user),
        )

    @classmethod
    def by(
        cls,
        live: LiveRanker | None,
        history: History,
        *,
        adult: bool,
        falls: Mapping[int, int] = MappingProxyType({}),
        dismissed: Dismissed = NOTHING,
    ) -> Order:
        """Let a ranker decide, or popularity where there is none or it knows nothing of the history."""
        if live is not None and not any(live.ranker.knows(anime_id) for anime_id in history.anime_ids):
            live = None
        return cls(history, live, adult, falls, dismissed)

    @property
    def version(self) -> str | None:
        """Name the checkpoint that decides; None for popularity."""
        return self.live.version if self.live else None

    @cached_property
    def settled(self) -> frozenset[int]:
        """Return the titles that the person has answered, be it with an opinion or without one."""
        return self.history.anime_ids | dismissed_ids(self.dismissed)

    def slice(self, start: int, stop: int) -> list[int]:
        """Return the titles at places start..stop-1."""
        k = stop + LOOKAHEAD + len(self.falls)
        series: Mapping[int, str]
        order: Iterator[int]
        if self.live is None:
            rest = Item.objects.visible(adult=self.adult).popular()
            series = series_by_id(rest[: k + len(self.settled)])
            order = (anime_id for anime_id in series if anime_id not in self.settled)
        else:
            series, order = self.live.series, self._ranked(self.live, k)
        return list(islice(spread(fade(order, self.falls), series), start, stop))

    def _ranked(self, live: LiveRanker, k: int) -> Iterator[int]:
        """Yield k titles: the model's, masked before top-k, then those it does not know, by popularity."""
        withheld = set(Item.objects.withheld(adult=self.adult).values_list("pk", flat=True))
        masked = withheld | live.strangers | self.settled
        ranked = live.ranker.rank(self.sequence, k, exclude=masked)
        if live.ranker.ranks_by_probability:
            self.beliefs.update((item.item_id, item.score) for item in ranked)
        yield from (item.item_id for item in ranked)
        if len(ranked) < k:
            others = Item.objects.visible(adult=self.adult).popular().values_list("pk", flat=True)
            known = self.settled.union(item.item_id for item in ranked)
            yield from (anime_id for anime_id in others if anime_id not in known)

    def cards(self, anime_ids: Sequence[int]) -> tuple[Card, ...]:
        """Fetch the titles and say why each is there, in two queries; reasons name no title out of sight."""
        causes = self._causes(anime_ids)
        wanted = {*anime_ids, *(cause.item_id for found in causes.values() for cause in found)}
        on_show = Item.objects.visible(adult=self.adult)
        items = on_show.prefetch_related("genres").in_bulk(wanted)
        return tuple(
            Card(
                items[pk],
                because(causes[pk], items) if pk in causes else popular(items[pk]),
                self._match(pk),
            )
            for pk in anime_ids
            if pk in items  # hidden or deleted since it was ranked
        )

    def _match(self, anime_id: int) -> Match | None:
        if self.live is None or anime_id not in self.beliefs:
            return None
        return match_of(self.beliefs[anime_id], len(self.live.ranker.item_ids))

    def _causes(self, anime_ids: Sequence[int]) -> Mapping[int, list[Cause]]:
        if self.live is None:
            return {}
        known = [pk for pk in anime_ids if self.live.ranker.knows(pk)]
        return dict(zip(known, map(real_causes, self.live.ranker.explain(self.sequence, known)), strict=True))

    @property
    def sequence(self) -> MlHistory:
        """The history as the model reads it."""
        return sequence_of(self.history, self.dismissed)
