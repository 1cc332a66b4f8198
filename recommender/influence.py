"""Which reactions shape a person's feed most: each is left out in turn, and the first cards tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.models import Item
from ml.feedback import Feedback
from recommender.explanations import VERBS
from recommender.order import Order

if TYPE_CHECKING:
    from ml.ranker import Cause

N_CARDS = 20  # of the top of the feed
N_SHOWN = 8
MIN_FALL = 0.01  # a change of 1 % is noise, of one card and on average over all


@dataclass(frozen=True)
class Influence:
    """One reaction, and what it does to the first cards of the feed."""

    item: Item
    feedback: Feedback
    share: float  # of what the strongest does: the absolute changes of the cards' log-probability, added up
    raised: int  # cards that are likelier because of it
    lowered: int
    most: Item | None  # the card that it changes most
    lifts: bool  # whether it raises that card, or holds it back

    @property
    def verb(self) -> str:
        """Return disliked, liked, loved or saw."""
        return VERBS[self.feedback]

    @property
    def percent(self) -> int:
        return round(100 * self.share)


def influences_on(order: Order) -> list[Influence]:
    """Return the reactions that change the first cards most, the strongest first: the feed's queries
    and two more.

    Of a long history the ranker tries sixteen events, those that say most for one of the cards.
    """
    if order.live is None:
        return []
    cards = [pk for pk in order.slice(0, N_CARDS) if order.live.ranker.knows(pk)]
    causes = order.live.ranker.explain(order.sequence, cards)
    falls = _by_event(dict(zip(cards, causes, strict=True)))
    ranked = sorted(falls.items(), key=lambda event: -_total(event[1]))
    strong = [(event, by_card) for event, by_card in ranked if _total(by_card) >= MIN_FALL * len(cards)]
    items = Item.objects.visible(adult=order.adult).with_facts().in_bulk([*falls, *cards])
    strongest = _total(strong[0][1]) if strong else 1.0
    return [
        _influence(items[anime_id], by_card, strongest, items)
        for anime_id, by_card in strong
        if anime_id in items
    ][:N_SHOWN]


def _influence(
    item: Item, by_card: dict[int, Cause], strongest: float, items: Mapping[int, Item]
) -> Influence:
    most = max(by_card, key=lambda card: abs(by_card[card].drop))
    return Influence(
        item=item,
        feedback=Feedback(by_card[most].feedback),
        share=_total(by_card) / strongest,
        raised=sum(cause.drop >= MIN_FALL for cause in by_card.values()),
        lowered=sum(cause.drop <= -MIN_FALL for cause in by_card.values()),
        most=items.get(most),
        lifts=by_card[most].drop > 0,
    )


def _by_event(causes: dict[int, list[Cause]]) -> dict[int, dict[int, Cause]]:
    """Turn the causes of each card into the cards of each cause."""
    by_event: dict[int, dict[int, Cause]] = {}
    for card, found in causes.items():
        for cause in found:
            by_event.setdefault(cause.item_id, {})[card] = cause
    return by_event


def _total(by_card: dict[int, Cause]) -> float:
    return sum(abs(cause.drop) for cause in by_card.values())
