"""Cards: the titles of an order, and why each is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.models import Item
from recommender.explanations import Reason, because, popular, real_causes
from recommender.match import Match, match_of
from recommender.order import Order

if TYPE_CHECKING:
    from ml.ranker import Cause


@dataclass(frozen=True)
class Card:
    """A title in the feed, and why it is there."""

    item: Item
    reason: Reason
    match: Match | None = None  # None where the model does not know the title, or nobody's taste decides


def cards_of(order: Order, anime_ids: Sequence[int]) -> tuple[Card, ...]:
    """Fetch the titles and say why each is there, in two queries; reasons name no title out of sight."""
    causes = _causes(order, anime_ids)
    wanted = {*anime_ids, *(cause.item_id for found in causes.values() for cause in found)}
    on_show = Item.objects.visible(adult=order.adult)
    items = on_show.prefetch_related("genres").in_bulk(wanted)
    return tuple(
        Card(
            items[pk],
            because(causes[pk], items) if pk in causes else popular(items[pk]),
            _match(order, pk),
        )
        for pk in anime_ids
        if pk in items  # hidden or deleted since it was ranked
    )


def _causes(order: Order, anime_ids: Sequence[int]) -> Mapping[int, list[Cause]]:
    if order.live is None:
        return {}
    ranker = order.live.ranker
    known = [pk for pk in anime_ids if ranker.knows(pk)]
    return dict(zip(known, map(real_causes, ranker.explain(order.sequence, known)), strict=True))


def _match(order: Order, anime_id: int) -> Match | None:
    if order.live is None or anime_id not in order.beliefs:
        return None
    return match_of(order.beliefs[anime_id], len(order.live.ranker.item_ids))
