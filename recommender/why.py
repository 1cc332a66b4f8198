"""Why a title stands where it does for one person: all that the model can say about it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.models import Item
from feedback.history import Reaction
from feedback.models import Person
from recommender.explanations import MIN_DROP, real_causes
from recommender.faithful import Faithful
from recommender.models import Checkpoint
from recommender.order import Order
from recommender.serving import LiveRanker
from recommender.standing import Places, Standing
from recommender.together import Together, together

if TYPE_CHECKING:
    from ml.ranker import Cause

MOST_CAUSES = 6
MOST_AGAINST = 3
MOST_NEAR = 6
# A fall of log-probability, and how it is called.
STRONG, CLEAR = math.log(2), math.log(1.2)


@dataclass(frozen=True)
class Influence:
    """A reaction, and what it does to the title."""

    item: Item
    reaction: Reaction
    drop: float
    share: int  # of the largest influence on the page, in per cent: the length of its bar
    is_stated: bool  # whether the card names it

    @property
    def strength(self) -> str:
        """Call it by a word."""
        size = abs(self.drop)
        return "strong" if size >= STRONG else "clear" if size >= CLEAR else "slight"

    @property
    def effect(self) -> str:
        """Say what the title would be without it."""
        if self.drop >= STRONG:
            return f"{_times(math.exp(self.drop))} times as likely with it"
        if self.drop > 0:
            return f"{math.expm1(self.drop):.0%} more likely with it".replace("%", " %")
        return f"{-math.expm1(self.drop):.0%} less likely with it".replace("%", " %")


def _times(factor: float) -> str:
    return f"{factor:.1f}" if factor < 10 else f"{factor:,.0f}"


@dataclass(frozen=True)
class SharedGenre:
    """A genre of the title, and which of its causes have it too."""

    name: str
    of: int
    count: int


@dataclass(frozen=True)
class Near:
    """A title of the person's history, and how near it is in the model's space: a cosine in per cent."""

    item: Item
    reaction: Reaction
    likeness: int


@dataclass(frozen=True)
class Why:
    """Everything the page says."""

    item: Item
    standing: Standing
    reaction: Reaction | None  # to the title itself: the rest is then as if it had not been said
    would_stand: int | None
    raised_by: tuple[Influence, ...]
    lowered_by: tuple[Influence, ...]
    genres: tuple[SharedGenre, ...]
    together: tuple[Together, ...]
    near: tuple[Near, ...]
    checkpoint: Checkpoint | None

    @property
    def faithfulness(self) -> Faithful | None:
        return Faithful.of(self.checkpoint.metrics) if self.checkpoint else None

    @property
    def is_stated(self) -> bool:
        """Tell whether any reaction alone does enough to be a reason."""
        return any(cause.is_stated for cause in self.raised_by)


def why(user: Person, item: Item) -> Why:
    """Explain where `item` stands for `user`: a few hundred milliseconds at most, and eleven queries."""
    actual = Places(Order.of(user), user.pk)
    reaction = actual.reaction_to(item)
    places = actual.without(item) if reaction else actual
    order, live = places.order, places.order.live
    causes = _causes(order, live, item) if live else []
    cosines = _cosines(order, live, item, MOST_NEAR) if live else {}
    said = {each.anime_id: each for each in order.counted}
    visible = Item.objects.visible(adult=order.adult).prefetch_related("genres")
    items = visible.in_bulk({cause.item_id for cause in causes} | cosines.keys())
    influences = _influences(causes, items, said)
    raised = tuple(each for each in influences if each.drop > 0 and not each.reaction.is_dislike)
    raised = raised[:MOST_CAUSES]
    lowered = tuple(each for each in reversed(influences) if each.drop <= -MIN_DROP)
    return Why(
        item,
        actual.standing(item),
        reaction,
        places.feed.get(item.pk) if reaction else None,
        raised,
        lowered[:MOST_AGAINST],
        _shared_genres(item, raised),
        together(user, item, [cause.item for cause in raised]),
        tuple(
            Near(items[pk], said[pk], round(100 * cosine)) for pk, cosine in cosines.items() if pk in items
        ),
        Checkpoint.objects.filter(version=live.version).first() if live else None,
    )


def _causes(order: Order, live: LiveRanker, item: Item) -> list[Cause]:
    """Take each telling reaction away in turn, and the dislikes that are nearest to the title as well."""
    disliked = [each.anime_id for each in order.counted if each.is_dislike]
    against = _nearest(live, item, disliked, MOST_AGAINST * 2)
    return live.ranker.explain(order.sequence, [item.pk], also=list(against))[0]


def _cosines(order: Order, live: LiveRanker, item: Item, k: int) -> dict[int, float]:
    """Find the liked and loved titles of the history that are nearest in the embedding."""
    liked = [each.anime_id for each in order.counted if not each.is_dislike]
    return {pk: cosine for pk, cosine in _nearest(live, item, liked, k).items() if cosine > 0}


def _nearest(live: LiveRanker, item: Item, among: Sequence[int], k: int) -> dict[int, float]:
    others = set(live.ranker.item_ids).difference(among)
    return {near.item_id: near.score for near in live.ranker.similar(item.pk, k, exclude=others)}


def _influences(
    causes: Sequence[Cause], items: Mapping[int, Item], said: Mapping[int, Reaction]
) -> list[Influence]:
    """Dress the causes whose titles may be shown, the strongest first."""
    stated = {cause.item_id for cause in real_causes(causes)}
    largest = max((abs(cause.drop) for cause in causes), default=1) or 1
    return [
        Influence(
            items[cause.item_id],
            said[cause.item_id],
            cause.drop,
            max(round(100 * abs(cause.drop) / largest), 1),
            cause.item_id in stated,
        )
        for cause in causes
        if cause.item_id in items and cause.item_id in said  # else seen, without a verdict
    ]


def _shared_genres(item: Item, causes: Sequence[Influence]) -> tuple[SharedGenre, ...]:
    """Count for each genre of the title how many of its causes have it, most first."""
    theirs = [{genre.pk for genre in cause.item.genres.all()} for cause in causes]
    counts = [(genre.name, sum(genre.pk in each for each in theirs)) for genre in item.genres.all()]
    shared = [SharedGenre(name, len(theirs), count) for name, count in counts if count]
    return tuple(sorted(shared, key=lambda genre: -genre.count))
