"""One person's order over the whole visible catalogue: mask -> rank -> fade -> spread series.

History, checkpoint, preferences and what was ignored on the days before today decide it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from types import MappingProxyType

from catalog.models import Item
from feedback.dismissals import NOTHING, Dismissed, dismissed_by
from feedback.history import History, Reaction, history_of
from feedback.models import Person
from ml.history import History as MlHistory
from recommender.dismissed import dismissed_ids, sequence_of
from recommender.fading import fade, falls_of
from recommender.models import Ignored, preferences_of
from recommender.series import LOOKAHEAD, series_by_id, spread
from recommender.serving import LiveRanker, get_ranker


@dataclass(frozen=True)
class Order:
    """One person's order over the whole visible catalogue; `live` is None where popularity alone decides."""

    history: History
    live: LiveRanker | None
    adult: bool
    falls: Mapping[int, int]  # places that a title shown often and ignored moves down
    dismissed: Dismissed = NOTHING
    # What the ranker said of the titles it was last asked for: anime_id -> log-probability.
    beliefs: dict[int, float] = field(default_factory=dict, compare=False)
    ignored: frozenset[int] = frozenset()  # titles whose reaction does not count; masked all the same

    @classmethod
    def of(cls, user: Person) -> Order:
        """Read what decides the order."""
        adult = preferences_of(user).show_adult
        return cls.by(
            get_ranker(),
            history_of(user),
            adult=adult,
            falls=falls_of(user),
            dismissed=dismissed_by(user),
            ignored=frozenset(Ignored.objects.of(user).order_by().values_list("item", flat=True)),
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
        ignored: frozenset[int] = frozenset(),
    ) -> Order:
        """Let a ranker decide, or popularity where there is none or it knows nothing that counts."""
        if live is not None and not any(map(live.ranker.knows, history.anime_ids - ignored)):
            live = None
        return cls(history, live, adult, falls, dismissed, ignored=ignored)

    @property
    def counted(self) -> tuple[Reaction, ...]:
        """Return the reactions that the order follows."""
        return tuple(said for said in self.history.reactions if said.anime_id not in self.ignored)

    @property
    def version(self) -> str | None:
        """Name the checkpoint that decides; None for popularity."""
        return self.live.version if self.live else None

    @cached_property
    def settled(self) -> frozenset[int]:
        """Return the titles that the person has answered, be it with an opinion or without one."""
        return self.history.anime_ids | dismissed_ids(self.dismissed)

    def slice(self, start: int, stop: int) -> list[int]:
        """Return the titles at places start..stop-1."""
        k = stop + LOOKAHEAD + len(self.falls)
        series: Mapping[int, str]
        order: Iterator[int]
        if self.live is None:
            rest = Item.objects.visible(adult=self.adult).popular()
            series = series_by_id(rest[: k + len(self.settled)])
            order = (anime_id for anime_id in series if anime_id not in self.settled)
        else:
            series, order = self.live.series, self._ranked(self.live, k)
        return list(islice(spread(fade(order, self.falls), series), start, stop))

    def masked(self, live: LiveRanker) -> frozenset[int]:
        """Return what the ranker may not choose."""
        withheld = set(Item.objects.withheld(adult=self.adult).values_list("pk", flat=True))
        return live.strangers | withheld | self.settled

    def _ranked(self, live: LiveRanker, k: int) -> Iterator[int]:
        """Yield k titles: the model's, masked before top-k, then those it does not know, by popularity."""
        ranked = live.ranker.rank(self.sequence, k, exclude=self.masked(live))
        if live.ranker.ranks_by_probability:
            self.beliefs.update((item.item_id, item.score) for item in ranked)
        yield from (item.item_id for item in ranked)
        if len(ranked) < k:
            others = Item.objects.visible(adult=self.adult).popular().values_list("pk", flat=True)
            known = self.settled.union(item.item_id for item in ranked)
            yield from (anime_id for anime_id in others if anime_id not in known)

    @property
    def sequence(self) -> MlHistory:
        """The history as the model reads it: without what the person ignores."""
        return sequence_of(History(self.counted), self.dismissed)
