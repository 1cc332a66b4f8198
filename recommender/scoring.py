"""Ranking titles for histories that are nobody's here: tried out, answered and forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from catalog.models import Item
from ml.history import History
from recommender.catalogue import Catalogue
from recommender.serving import LiveRanker, get_catalogue, get_ranker

AT_A_TIME = 64  # histories in one pass: the scores of all titles for them are what memory holds

Ranking = list[tuple[int, float | None]]  # anime_id, log-probability; none for popular titles


@dataclass(frozen=True)
class Scorer:
    """One ranker and what it must not rank, for all histories of one request."""

    live: LiveRanker | None
    catalogue: Catalogue
    withheld: frozenset[int]

    @classmethod
    def now(cls, *, adult: bool) -> Scorer:
        """Take the ranker that is live now; the only query is made here."""
        live = get_ranker()
        withheld = frozenset(Item.objects.withheld(adult=adult).values_list("pk", flat=True))
        return cls(live, live.catalogue if live else get_catalogue(), withheld)

    @property
    def version(self) -> str | None:
        return self.live.version if self.live else None

    def rank(self, histories: Sequence[History], k: int) -> Iterator[Ranking]:
        """Yield the k best titles for each history, in order; memory holds one chunk of them."""
        for start in range(0, len(histories), AT_A_TIME):
            chunk = [followed(history, self.catalogue) for history in histories[start : start + AT_A_TIME]]
            yield from self._rank(chunk, k)

    def _rank(self, histories: Sequence[History], k: int) -> Iterator[Ranking]:
        if self.live is None:
            yield from (self._popular(history, k) for history in histories)
            return
        ranker, hidden = self.live.ranker, self.withheld | self.live.strangers
        for ranked in ranker.rank_many(histories, k, exclude=hidden):
            yield [(each.item_id, each.score) for each in ranked]

    def _popular(self, history: History, k: int) -> Ranking:
        """Rank by popularity, where there is no checkpoint."""
        masked = self.withheld.union(history.item_ids)
        ids = (int(anime_id) for anime_id in self.catalogue.ids[self.catalogue.popular])
        unseen = (anime_id for anime_id in ids if anime_id not in masked)
        return [(anime_id, None) for anime_id, _ in zip(unseen, range(k), strict=False)]


def followed(history: History, catalogue: Catalogue) -> History:
    """Return a history with merged titles as what they are now; the last word about each stands."""
    if catalogue.heirs.keys().isdisjoint(history.item_ids):
        return history
    meant = [catalogue.meant_by(anime_id) for anime_id in history.item_ids]
    last = sorted({anime_id: place for place, anime_id in enumerate(meant)}.values())
    kept = history.take(last)
    return replace(kept, item_ids=tuple(meant[place] for place in last))
