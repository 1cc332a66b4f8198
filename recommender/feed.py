"""The feed: pages of one person's order, each card with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from django.http import QueryDict

from feedback.models import Person
from recommender.bar import Bar, address
from recommender.cards import Card, cards_of
from recommender.dealing import deal
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
    order: Order
    size: ClassVar[int] = PAGE_SIZE
    matches: ClassVar = tuple(Match)  # the words that cards may carry

    @cached_property
    def bar(self) -> Bar:
        """Return the controls as they stand above the cards."""
        return Bar(self.order)

    @property
    def next_url(self) -> str:
        """Return where the cards after these are."""
        return address(self.order.view.query, page=self.next_number)

    @cached_property
    def here(self) -> str:
        """Return where as many cards as the reader has now are: what a reaction asks for."""
        return address(self.order.view.query, shown=self.shown)

    @property
    def ranked_by(self) -> str:
        """Name what ranked every card of this answer, for the header and for the page below it."""
        return self.version or "popularity"


def feed_for(
    user: Person, *, page: int = 1, shown: int | None = None, asked: QueryDict | None = None
) -> FeedPage:
    """Return page `page`, or with `shown` the first so many cards at once (whole pages, at most `MAX_SHOWN`).

    Pages never overlap, and nothing that `recommender.rules` withholds from `user` is on any of them. `asked`
    is a query string with controls. A page behind the end has no cards. The number of queries does not depend
    on the length of the history.
    """
    if shown is None:
        first = number = max(page, 1)
    else:
        first, number = 1, min(max(-(-shown // PAGE_SIZE), 1), MAX_SHOWN // PAGE_SIZE)
    order = Order.of(user, asked)
    # Pages below the last have no cards, and dealing a million of them would take its time.
    first, number = (min(each, len(order.catalogue) // PAGE_SIZE + 2) for each in (first, number))
    pages, goes_on = deal(order, first, number, PAGE_SIZE, who=user.pk)
    return FeedPage(
        cards=cards_of(order, [place for page in pages for place in page]),
        start=(first - 1) * PAGE_SIZE,
        number=number,
        next_number=number + 1 if goes_on else None,
        shown=min(number * PAGE_SIZE, MAX_SHOWN),
        version=order.version,
        is_personal=order.live is not None,
        known=len(order.counted),
        order=order,
    )
