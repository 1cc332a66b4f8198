"""How well we know a person: titles they like are hidden one by one, and the rest must bring them back.

The figure is a person's own, and small: its interval says how small. Two things flatter it, and the page says
so: who answers the feed's cards likes what the model chose to show, and the model may have learned from these
very reactions. Popularity alone is measured beside it, on the same titles and by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from math import comb

import numpy as np
from numpy.typing import NDArray

from catalog.models import Item
from feedback.models import FeedbackType
from recommender.catalogue import Rows
from recommender.controls import Controls
from recommender.feed import PAGE_SIZE
from recommender.online import Rate
from recommender.order import Order
from recommender.rules import may_raise, withheld
from recommender.serving import LiveRanker
from recommender.situation import Situation

N_HIDDEN = 20  # liked and loved titles
CONSIDERED = 60  # the newest of them; those that no card could bring back are passed over
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


@dataclass(frozen=True)
class Case:
    """One title, and the situation of the person had they never said anything about it."""

    anime_id: int
    row: int
    situation: Situation


def self_test(order: Order) -> SelfTest:
    """Hide each of the newest liked and loved titles in turn and rank with all other reactions that count.

    Only what the feed could then show is hidden. All rules hold; no filter and no slider does, no wildcard is
    dealt, and what was shown and ignored does not fade. One batched pass of the ranker, two queries.
    """
    if order.live is None:
        return SelfTest(())
    cases = list(islice(_cases(order, order.live), N_HIDDEN))
    items = Item.objects.in_bulk([case.anime_id for case in cases])
    if len(cases) < NEEDED:
        return SelfTest(tuple(Hidden(items[case.anime_id], None, None) for case in cases))
    live, sequence = order.live, order.sequence
    scores = live.ranker.scores([sequence.without(sequence.item_ids.index(each.anime_id)) for each in cases])
    return SelfTest(
        tuple(
            Hidden(
                items[case.anime_id],
                _place(case, _by_model(live, row)),
                _place(case, live.catalogue.popular),
            )
            for case, row in zip(cases, scores[:, 1:], strict=True)
        )
    )


def _cases(order: Order, live: LiveRanker) -> Iterator[Case]:
    whole = replace(order.situation, controls=Controls())
    liked = [said.anime_id for said in order.counted if said.feedback_type != FeedbackType.DISLIKE]
    for anime_id in liked[::-1][:CONSIDERED]:
        if anime_id not in live.series or not live.ranker.knows(anime_id):
            continue
        said = {pk: feedback for pk, feedback in whole.said.items() if pk != anime_id}
        row, situation = int(live.catalogue.rows_of([anime_id])[0]), replace(whole, said=said)
        if not withheld(situation)[row]:
            yield Case(anime_id, row, situation)


def _by_model(live: LiveRanker, scores: NDArray[np.float32]) -> Rows:
    """Return the catalogue's rows in the order of the scores (N,) of the ranker's titles."""
    rows: Rows = live.rows[np.argsort(-scores, kind="stable")]
    return rows[rows >= 0]


def _place(case: Case, best: Rows) -> int | None:
    """Return the title's place, from 1, among the first cards that the rules make of an order of rows."""
    situation = case.situation
    raised = best[may_raise(situation)[best]]
    cards = situation.entries[situation.catalogue.group[raised]]
    first = list(islice(dict.fromkeys(cards.tolist()), PAGE_SIZE))
    return first.index(case.row) + 1 if case.row in first else None
