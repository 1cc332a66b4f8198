"""How well we know a person: titles they like are hidden one by one, and the rest must bring them back.

The figure is a person's own, and small: its interval says how small. Two things flatter it, and the page says
so: who answers the feed's cards likes what the model chose to show, and the model may have learned from these
very reactions. Popularity alone is measured beside it, on the same titles and among the same cards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from math import comb

from catalog.models import Item
from recommender.dismissed import dismissed_ids
from recommender.feed import PAGE_SIZE, Order
from recommender.online import Rate
from recommender.series import LOOKAHEAD, series_by_id, spread
from recommender.start import picks_of

N_HIDDEN = 20  # the newest liked and loved titles
NEEDED = 5
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Hidden:
    """A title that was hidden, and its place among the first cards; None where it was not among them."""

    item: Item
    ranked: int | None
    popular: int | None


@dataclass(frozen=True)
class SelfTest:
    """What came back of the hidden titles; with too few of them, nothing is claimed."""

    titles: tuple[Hidden, ...]  # the newest first
    needed = NEEDED
    cards = PAGE_SIZE

    @property
    def is_enough(self) -> bool:
        return len(self.titles) >= NEEDED

    @property
    def missing(self) -> int:
        return NEEDED - len(self.titles)

    @property
    def ranked(self) -> Rate:
        return Rate(sum(title.ranked is not None for title in self.titles), len(self.titles))

    @property
    def popular(self) -> Rate:
        return Rate(sum(title.popular is not None for title in self.titles), len(self.titles))

    @property
    def verdict(self) -> str:
        """Say whether the ranker is shown to be ahead of popularity or behind it, else level.

        An exact sign test over the titles that one of the two found and the other did not (McNemar, 1947).
        """
        alone = [
            title.ranked is not None for title in self.titles if bool(title.ranked) != bool(title.popular)
        ]
        wins = sum(alone)
        most = max(wins, len(alone) - wins)
        tail = sum(comb(len(alone), n) for n in range(most, len(alone) + 1)) / 2 ** len(alone)
        if 2 * tail >= SIGNIFICANT:
            return "level"
        return "ahead" if wins == most else "behind"


def self_test(order: Order) -> SelfTest:
    """Hide each of the newest liked and loved titles in turn and rank with all other reactions.

    Only titles that the feed could show are hidden. One batched pass of the ranker, three queries.
    """
    if order.live is None:
        return SelfTest(())
    live, shown = order.live, Item.objects.visible(adult=order.adult)
    withheld = set(Item.objects.withheld(adult=order.adult).values_list("pk", flat=True))
    masked = withheld | live.strangers | dismissed_ids(order.dismissed)
    newest = (pick.anime_id for pick in reversed(picks_of(order.history)))
    hidden = list(islice((pk for pk in newest if pk not in masked and live.ranker.knows(pk)), N_HIDDEN))
    if len(hidden) < NEEDED:
        items = shown.in_bulk(hidden)
        return SelfTest(tuple(Hidden(items[pk], None, None) for pk in hidden if pk in items))
    sequence = order.sequence
    rest = [sequence.without(sequence.item_ids.index(pk)) for pk in hidden]
    ranked = live.ranker.rank_many(rest, PAGE_SIZE + LOOKAHEAD, exclude=masked)
    popular = series_by_id(shown.popular()[: PAGE_SIZE + LOOKAHEAD + len(order.settled)])
    items = shown.in_bulk(hidden)
    return SelfTest(
        tuple(
            Hidden(
                items[pk],
                _place(pk, (item.item_id for item in best), live.series),
                _place(pk, _unsettled(popular, order.settled - {pk}), popular),
            )
            for pk, best in zip(hidden, ranked, strict=True)
            if pk in items
        )
    )


def _unsettled(anime_ids: Iterable[int], settled: frozenset[int]) -> Iterator[int]:
    return (pk for pk in anime_ids if pk not in settled)


def _place(anime_id: int, order: Iterable[int], series: Mapping[int, str]) -> int | None:
    """Return the title's place, from 1, among the first cards that the feed would make of an order."""
    first = list(islice(spread(order, series), PAGE_SIZE))
    return first.index(anime_id) + 1 if anime_id in first else None
