"""One person's order over the whole catalogue: rules -> rank -> one card a series -> fade -> vary.

History, checkpoint, preferences, controls and what was ignored on the days before today decide it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from types import MappingProxyType

import numpy as np
from django.http import QueryDict
from numpy.typing import NDArray

from catalog.models import Item
from feedback.dismissals import NOTHING, Dismissed, dismissed_by
from feedback.history import History, Reaction, history_of
from feedback.models import Person
from ml.history import History as MlHistory
from recommender import discovery, variety
from recommender.catalogue import Catalogue, Mask, Rows
from recommender.controls import LEAST_VARIETY, NEUTRAL, Controls, View, view_of
from recommender.dismissed import dismissed_ids, sequence_of
from recommender.fading import fade, falls_of
from recommender.metrics import RANKING
from recommender.models import Ignored, preferences_of
from recommender.moods import genre_cosines, steer_of
from recommender.remembered import fingerprint
from recommender.rules import may_raise, withheld
from recommender.serving import LiveRanker, get_catalogue, get_ranker
from recommender.situation import Situation

# Titles to rank for each card wanted: of a series several may rank high, and have one card.
RANKED_FOR_A_CARD = 3


@dataclass(frozen=True)
class Order:
    """One person's order over the whole visible catalogue; `live` is None where popularity alone decides."""

    history: History
    live: LiveRanker | None
    adult: bool
    falls: Mapping[int, int]  # places that a title shown often and ignored moves down
    catalogue: Catalogue
    dismissed: Dismissed = NOTHING
    view: View = field(default_factory=View)
    ignored: frozenset[int] = frozenset()  # titles whose reaction does not count; masked all the same
    wildcards: int = 0  # on each of the first pages, where the pages of a person are dealt
    # Where titles are near one another, also for somebody of whom the model knows nothing.
    space: LiveRanker | None = None
    # What the ranker said of the cards it was last asked for: anime_id -> log-probability.
    beliefs: dict[int, float] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, user: Person, asked: QueryDict | None = None) -> Order:
        """Read what decides the order; `asked` is the query string of the request."""
        preferences, live = preferences_of(user), get_ranker()
        catalogue = live.catalogue if live else get_catalogue()
        view = view_of(asked or QueryDict(), preferences.controls, catalogue)
        return cls.by(
            live,
            history_of(user),
            adult=preferences.show_adult,
            falls=falls_of(user),
            dismissed=dismissed_by(user),
            catalogue=catalogue,
            view=view,
            ignored=frozenset(Ignored.objects.of(user).order_by().values_list("item", flat=True)),
            wildcards=preferences.wildcards,
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
        catalogue: Catalogue | None = None,
        view: View | None = None,
        ignored: frozenset[int] = frozenset(),
        wildcards: int = 0,
    ) -> Order:
        """Let a ranker decide, or popularity where there is none or it knows nothing that counts."""
        catalogue, space = catalogue or (live.catalogue if live else get_catalogue()), live
        if live is not None and not any(map(live.ranker.knows, history.anime_ids - ignored)):
            live = None
        view = view or View()
        return cls(history, live, adult, falls, catalogue, dismissed, view, ignored, wildcards, space)

    @property
    def counted(self) -> tuple[Reaction, ...]:
        """Return the reactions that the order follows."""
        return tuple(said for said in self.history.reactions if said.anime_id not in self.ignored)

    @property
    def version(self) -> str | None:
        """Name the checkpoint that decides; None for popularity."""
        return self.live.version if self.live else None

    @cached_property
    def situation(self) -> Situation:
        """Return what the rules judge by, in one query."""
        return Situation(
            self.catalogue,
            said={reaction.anime_id: reaction.feedback_type for reaction in self.history.reactions},
            hidden=list(Item.objects.withheld(adult=True).order_by().values_list("pk", flat=True)),
            shows_adult=self.adult,
            watched=self.dismissed.seen.keys(),
            dismissed=dismissed_ids(self.dismissed, self.catalogue),
            controls=self.view.controls,
        )

    def slice(self, start: int, stop: int) -> list[int]:
        """Return the titles at places start..stop-1. A longer list begins with the shorter one."""
        controls, n = self.view.controls, stop + len(self.falls)
        if controls.variety != LEAST_VARIETY:
            n = -(-n // variety.WINDOW) * variety.WINDOW  # whole windows, whatever the page
        if controls.discovery == NEUTRAL:
            order = self._cards(n)
        else:
            order = self._cards(max(n, discovery.WINDOW))
            order = discovery.discover(order, controls.discovery, self.familiarity(order))[:n]
        if controls.variety != LEAST_VARIETY:
            order = [*variety.vary(order, controls.variety, self._cosines)]
        return list(islice(fade(order, self.falls), start, stop))

    @property
    def unfiltered(self) -> Mask:
        """Mark the rows that could be on a card without any filter."""
        return ~withheld(replace(self.situation, controls=Controls()))

    def _cards(self, n: int) -> list[int]:
        """Return the first n cards, fewer where fewer are left; each where the best of its series stands."""
        pool = may_raise(self.situation)
        best = self._by_model(self.live, pool, n) if self.live else self._by_popularity(pool)
        catalogue, cards = self.catalogue, dict[int, None]()
        for row in best:
            cards[int(self.situation.entries[catalogue.group[row]])] = None
            if len(cards) == n:
                break
        return [int(catalogue.ids[row]) for row in cards]

    def _by_model(self, live: LiveRanker, pool: Mask, n: int) -> Iterator[int]:
        """Yield the rows of the pool as the model ranks them, deeper while they are asked for.

        Those it does not know come after all others, by popularity.
        """
        known = live.rows >= 0
        known[known] = pool[live.rows[known]]
        done, k = 0, min(RANKED_FOR_A_CARD * n, int(known.sum()))
        while done < k:
            rows, scores = self._ranked(live, known, k)
            if live.ranker.ranks_by_probability:
                self._believe(rows, scores)
            yield from (int(row) for row in rows[done:])
            done, k = k, min(2 * k, int(known.sum()))
        rest = pool.copy()
        rest[live.rows[known]] = False
        yield from self._by_popularity(rest)

    def _ranked(self, live: LiveRanker, known: Mask, k: int) -> tuple[Rows, NDArray[np.float64]]:
        """Return the rows and scores of the k best of the ranker's titles that are marked."""
        steer = self._steer_items(live)

        def work_out() -> tuple[Rows, NDArray[np.float64]]:
            exclude = live.item_ids[~known].tolist()
            with RANKING.time():
                ranked = live.ranker.rank(self.sequence, k, exclude=exclude, steer=steer)
            scores = np.array([item.score for item in ranked], dtype=np.float64)
            return self.catalogue.rows_of([item.item_id for item in ranked]), scores

        leaning = None if steer is None else fingerprint(steer)
        return live.remembered.answer(("rank", self.sequence, k, fingerprint(known), leaning), work_out)

    def _believe(self, rows: Rows, scores: NDArray[np.float64]) -> None:
        """Note of each card the log-probability of the best of its series, as it is without a mood."""
        cards = self.situation.entries[self.catalogue.group[rows]]
        steered = np.zeros(len(rows)) if self._steer is None else self._steer[cards]
        for card, score in zip(self.catalogue.ids[cards].tolist(), (scores - steered).tolist(), strict=True):
            self.beliefs.setdefault(card, score)

    def _by_popularity(self, pool: Mask) -> Iterator[int]:
        order = self.catalogue.popular
        if self._steer is not None:
            steer = self._steer[self.situation.entries[self.catalogue.group]]
            worth = np.log1p(self.catalogue.members[order]) + steer[order]
            order = order[np.argsort(-worth, kind="stable")]
        yield from (int(row) for row in order[pool[order]])

    @cached_property
    def _steer(self) -> NDArray[np.float32] | None:
        controls = self.view.controls
        return steer_of(controls.moods, controls.like, controls.near, self.catalogue, self.space)

    def _steer_items(self, live: LiveRanker) -> NDArray[np.float32] | None:
        """Return what is added for each of the ranker's titles, judged by the card it would raise."""
        if self._steer is None:
            return None
        cards = self.situation.entries[self.catalogue.group[live.rows]]
        return np.where(live.rows >= 0, self._steer[cards], 0).astype(np.float32)

    def familiarity(self, anime_ids: Sequence[int]) -> NDArray[np.float64]:
        """Return how known titles are: to the people the model learned from, or else by members."""
        rows = self.catalogue.rows_of(anime_ids)
        if self.live is None:
            return self.catalogue.members[rows].astype(np.float64)
        known = np.full(len(self.catalogue), -np.inf)
        here = self.live.rows >= 0
        known[self.live.rows[here]] = self.live.ranker.log_popularity[here]
        return known[rows]

    def _cosines(self, anime_ids: Sequence[int]) -> NDArray[np.float32]:
        if self.live is not None:
            return self.live.ranker.cosines(anime_ids)
        rows = self.catalogue.rows_of(anime_ids)
        return genre_cosines(self.catalogue, rows, rows)

    @cached_property
    def sequence(self) -> MlHistory:
        """The history as the model reads it: without what the person ignores."""
        return sequence_of(History(self.counted), self.dismissed)
