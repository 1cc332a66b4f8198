"""The people a gate goes by, and what two rankers do for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ml.history import History
from ml.id_maps import IdMap
from ml.metrics import bootstrap
from ml.protocols import KNOWN, Case, Measured, examine
from ml.ranker import Ranker
from ml.results import CRITERION, PAIRED, difference
from ml.scoring import Scorer

CUTOFF = 20


@dataclass(frozen=True)
class Panel:
    """A fixed group of people whom no candidate trains on.

    `name` says who they are, after a number: "held-out people of the ratings". `lengths` are the numbers of
    known titles to tell the rankers, None for all.
    """

    name: str
    cases: list[Case]
    lengths: tuple[int | None, ...] = KNOWN


class BrokenScoresError(ValueError):
    """A ranker's scores cannot be used; the message is a sentence that says why."""


class Finite:
    """A ranker whose scores are looked at as they pass: `scores` raises BrokenScoresError."""

    def __init__(self, ranker: Ranker) -> None:
        self._ranker = ranker

    @property
    def id_map(self) -> IdMap:
        return self._ranker.id_map

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        wanted = (len(histories), len(self.id_map) + 1)
        try:
            scores = self._ranker.scores(histories)
        except ValueError as error:  # tensors that do not fit together
            raise BrokenScoresError(f"Its scores cannot be computed: {error}.") from error
        if scores.shape != wanted:
            raise BrokenScoresError(f"Its scores have the shape {scores.shape} where {wanted} belongs.")
        usable = np.isfinite(scores)
        usable[:, 0] = True
        for row, history in enumerate(histories):  # titles of the history have no score, -inf
            usable[row, self.id_map.indices_of(history.item_ids)] = True
        if not usable.all():
            raise BrokenScoresError(
                f"The scores of {(~usable).any(1).sum()} of {len(histories)} people are not finite numbers: "
                "the model is broken."
            )
        return scores


def measured(scorer: Scorer, panel: Panel) -> Measured:
    """Return NDCG@20, any and loved, averaged over the panel's lengths; the lists of all lengths in a row.

    `shown` is (U, 20 x lengths). Raises ValueError for a panel without people.
    """
    by_length = [examine(scorer, panel.cases, n, (CUTOFF,)) for n in panel.lengths]
    values = {
        name: np.mean([measured.values[name] for measured in by_length], axis=0)
        for name in PAIRED
        if name in by_length[0].values
    }
    return Measured(values, np.hstack([measured.shown for measured in by_length]))


@dataclass(frozen=True)
class Sides:
    """What candidate and champion do for the people of the panels; `id_map` is the champion's."""

    panels: list[Panel]
    ours: list[Measured]
    theirs: list[Measured]
    id_map: IdMap

    @classmethod
    def of(cls, candidate: Ranker, champion: Ranker, panels: Sequence[Panel]) -> Self:
        """Measure both. Raises BrokenScoresError for a candidate whose scores cannot be used."""
        asked, trusted = [panel for panel in panels if panel.cases], Finite(candidate)
        trusted.scores([History.of(champion.item_ids[:3])])  # also where there are no people
        ours, theirs = ([measured(scorer, panel) for panel in asked] for scorer in (trusted, champion))
        return cls(asked, ours, theirs, champion.id_map)

    def compared(self, place: int, references: Mapping[str, Scorer]) -> dict[str, Any]:
        """Return the figures of one panel."""
        panel, ours, theirs = self.panels[place], self.ours[place], self.theirs[place]
        rankers = {"candidate": ours, "champion": theirs}
        rankers |= {name: measured(scorer, panel) for name, scorer in references.items()}
        return {
            "people": len(panel.cases),
            **{
                metric: {name: bootstrap(one.values[metric]).to_dict() for name, one in rankers.items()}
                for metric in ours.values
            },
            "difference": difference(ours.values, theirs.values),
        }

    def gains(self, fewest_people: int) -> NDArray[np.float64]:
        """Return how much better the candidate does for everybody of the panels with enough people (U',)."""
        pairs = zip(self.panels, self.ours, self.theirs, strict=True)
        rows = [
            ours.values[CRITERION] - theirs.values[CRITERION]
            for panel, ours, theirs in pairs
            if len(panel.cases) >= fewest_people
        ]
        return np.concatenate([np.zeros(0), *rows])

    def dislikes_risen(self) -> NDArray[np.float64]:
        """Return by how much the share of disliked titles shown rises for everybody who has any (U',)."""
        rises = []
        for panel, ours, theirs in zip(self.panels, self.ours, self.theirs, strict=True):
            for case, *tops in zip(panel.cases, ours.shown, theirs.shown, strict=True):
                bad = self.id_map.indices_of(case.disliked)
                bad = bad[bad > 0]
                if len(bad):  # each is at most once in the list of each length
                    shown, before = (np.isin(top, bad).sum() for top in tops)
                    rises.append((shown - before) / (len(bad) * len(panel.lengths)))
        return np.array(rises, dtype=np.float64)
