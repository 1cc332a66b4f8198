"""The baselines of a comparison, each tuned over a small grid, judged on the validation people only."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ml.baselines import EASE, Popularity
from ml.content import ContentMatrix, ContentOnly
from ml.data import Dataset
from ml.factorisation import BPR, IALS
from ml.neighbours import ItemKNN
from ml.protocols import KNOWN, Case, measure
from ml.results import CRITERION
from ml.rules import FranchiseSiblings, RecentPopularity
from ml.scoring import Scorer


@dataclass(frozen=True)
class Baseline:
    """How to build a scorer from the training people, and the values each setting may take."""

    name: str
    build: Callable[..., Scorer]
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def settings(self) -> Iterator[dict[str, Any]]:
        """Yield every combination of the grid; one empty one without a grid."""
        for values in itertools.product(*self.grid.values()):
            yield dict(zip(self.grid, values, strict=True))


@dataclass(frozen=True)
class Tuned:
    """A baseline with the settings that did best on validation, and what every combination reached."""

    scorer: Scorer
    chosen: dict[str, Any]
    tried: list[dict[str, Any]]


def baselines(
    data: Dataset, items: pd.DataFrame | None = None, franchises: Mapping[int, str] | None = None
) -> list[Baseline]:
    """List the baselines this data allows: recency needs times, content an items table."""
    chosen = [
        Baseline("popularity", Popularity),
        Baseline("ItemKNN", ItemKNN, {"k": (500, data.n_items), "shrinkage": (0.0, 20.0)}),
        Baseline("iALS", IALS, {"unobserved": (0.03, 0.1)}),
        Baseline("BPR-MF", BPR, {"regularisation": (0.001, 0.003)}),
        # Whole lists want a small ridge and short ones a large: both compete, so neither length is favoured.
        *(Baseline(f"EASE {ridge:g}", partial(EASE, regularisation=ridge)) for ridge in (100.0, 400.0)),
    ]
    if np.isfinite(data.timestamps).any():
        chosen.append(Baseline("recent popularity", RecentPopularity, {"days": (30, 90, 365)}))
    if franchises is not None:
        chosen.append(Baseline("franchise", lambda people: FranchiseSiblings(people, franchises)))
    if items is not None:
        chosen.append(Baseline("content", _content(items), {"name": (0.3, 1.0)}))
    return chosen


def _content(items: pd.DataFrame) -> Callable[..., Scorer]:
    """Build the content ranker over the titles of the data, with the given weights of its blocks."""

    def build(people: Dataset, **weights: float) -> Scorer:
        return ContentOnly(ContentMatrix(items, weights), people.id_map)

    return build


def tune(
    baseline: Baseline,
    learners: Dataset,
    validation: Sequence[Case],
    lengths: Sequence[int | None] = KNOWN,
) -> Tuned:
    """Build a baseline with every setting and keep the best by NDCG@20, the mean over the history lengths.

    A grid of one combination is not measured. The scorer learns from `learners` alone; the held-out people
    take no part.
    """
    combinations = list(baseline.settings())
    if len(combinations) == 1:
        return Tuned(baseline.build(learners, **combinations[0]), combinations[0], [])
    best, chosen = baseline.build(learners, **combinations[0]), combinations[0]
    reached = [_criterion(best, validation, lengths)]
    for settings in combinations[1:]:
        scorer = baseline.build(learners, **settings)
        reached.append(_criterion(scorer, validation, lengths))
        if reached[-1] == max(reached):
            best, chosen = scorer, settings
    return Tuned(best, chosen, [s | {CRITERION: r} for s, r in zip(combinations, reached, strict=True)])


def _criterion(scorer: Scorer, cases: Sequence[Case], lengths: Sequence[int | None]) -> float:
    """Return what tuning looks at."""
    return float(np.mean([measure(scorer, cases, n)[CRITERION].mean() for n in lengths]))
