"""Cards: the titles of an order, and why each is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.models import Item
from recommender.dealing import Place
from recommender.explanations import WILDCARD, Reason, because, popular, real_causes
from recommender.match import Match, match_of
from recommender.order import Order

if TYPE_CHECKING:
    from ml.ranker import Cause


@dataclass(frozen=True)
class Card:
    """A title in the feed, and why it is there."""

    item: Item
    genres: tuple[str, ...]
    reason: Reason
    label: str = ""  # where in its series it stands
    match: Match | None = None  # None where the model does not know the title, or nobody's taste decides
    is_wildcard: bool = False
    propensity: float = 1.0  # how likely this title was for this place


def cards_of(order: Order, places: Sequence[Place]) -> tuple[Card, ...]:
    """Fetch the titles and say why each is there, in one query; reasons name no title out of sight."""
    anime_ids = [place.anime_id for place in places]
    causes = _causes(order, [place.anime_id for place in places if not place.is_wildcard])
    named = [cause.item_id for found in causes.values() for cause in found]
    items = Item.objects.in_bulk({*anime_ids, *order.situation.on_show(named)})
    return tuple(
        Card(
            items[place.anime_id],
            order.catalogue.genres_of(place.anime_id),
            _reason(place, causes, items),
            order.situation.label_of(place.anime_id),
            _match(order, place.anime_id),
            place.is_wildcard,
            place.propensity,
        )
        for place in places
        if place.anime_id in items  # deleted since it was ranked
    )


def _reason(place: Place, causes: Mapping[int, list[Cause]], items: Mapping[int, Item]) -> Reason:
    if place.is_wildcard:
        return WILDCARD
    found = causes.get(place.anime_id)
    return popular(items[place.anime_id]) if found is None else because(found, items)


def _match(order: Order, anime_id: int) -> Match | None:
    if order.live is None or anime_id not in order.beliefs or not order.live.ranker.knows(anime_id):
        return None  # the belief is that of another title of its series
    return match_of(order.beliefs[anime_id], len(order.live.ranker.item_ids))


def _causes(order: Order, anime_ids: Sequence[int]) -> Mapping[int, list[Cause]]:
    if order.live is None:
        return {}
    ranker = order.live.ranker
    known = tuple(pk for pk in anime_ids if ranker.knows(pk))

    def work_out() -> Mapping[int, list[Cause]]:
        return dict(zip(known, map(real_causes, ranker.explain(order.sequence, known)), strict=True))

    return order.live.remembered.answer(("why", order.sequence, known), work_out)
