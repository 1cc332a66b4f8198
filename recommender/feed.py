"""The feed: pages of one person's order, each card with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from feedback.models import Person
from recommender.cards import Card, cards_of
from recommender.match import Match
from recommender.order import Order

PAGE_SIZE = 20
MAX_SHOWN = 100


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
    known: int  # reactions that stand and count
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
        cards=cards_of(order, chosen[: stop - start]),
        start=start,
        number=number,
        next_number=number + 1 if has_more else None,
        shown=min(stop, MAX_SHOWN),
        version=order.version,
        is_personal=order.live is not None,
        known=len(order.counted),
    )
