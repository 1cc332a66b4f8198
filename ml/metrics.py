"""Ranking metrics over the full catalogue: masked titles do not compete, ties count against us, NaN fails."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def target_ranks(
    scores: NDArray[np.float32], targets: NDArray[np.int64], masked: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the ranks (1 is best) of the targets in one person's ranking, in ascending order.

    `scores` (N + 1,) with padding at 0; `targets` and `masked` are indices. A title with a target's score
    ranks before it, unless it is a target too. Raises ValueError for a NaN score, or a target that is masked.
    """
    return ranks(places(scores, targets, masked))


def places(
    scores: NDArray[np.float32], targets: NDArray[np.int64], masked: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return each target's worst place (1 is best) in one person's ranking, in the order of the targets.

    Every title with a target's score, another target too, counts as before it; `ranks` sets that right for
    the targets one asks about. Arguments and errors as of `target_ranks`.
    """
    if np.isnan(scores).any():
        raise ValueError("A score is NaN; the model is broken.")
    if np.isin(targets, masked).any():
        raise ValueError("A target is masked; it could never be ranked.")
    candidates = np.ones(len(scores), dtype=bool)
    candidates[0] = False
    candidates[masked] = False
    ascending = np.sort(scores[candidates])
    return (len(ascending) - np.searchsorted(ascending, scores[targets], side="left")).astype(np.int64)


def ranks(worst: NDArray[np.int64]) -> NDArray[np.int64]:
    """Turn the worst places of some targets into ranks, ascending: of k targets tied, k places are theirs."""
    steps = np.arange(len(worst))
    return np.minimum.accumulate((np.sort(worst) - steps)[::-1])[::-1] + steps


def recall(ranks: NDArray[np.int64], k: int) -> float:
    """Return the share of the targets in the top k, of at most k that fit (Liang et al., 2018)."""
    return float((ranks <= k).sum() / min(len(ranks), k))


def hit_rate(ranks: NDArray[np.int64], k: int) -> float:
    """Return 1 when a target is in the top k, else 0."""
    return float((ranks <= k).any())


def ndcg(ranks: NDArray[np.int64], k: int) -> float:
    """Return binary NDCG@k (Järvelin and Kekäläinen, 2002), 1 when the targets fill the top."""
    gain = (1 / np.log2(ranks[ranks <= k] + 1)).sum()
    ideal = (1 / np.log2(np.arange(2, min(len(ranks), k) + 2))).sum()
    return float(gain / ideal)


METRICS = {"ndcg": ndcg, "recall": recall, "hit_rate": hit_rate}


@dataclass(frozen=True)
class Interval:
    """A mean over people and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float
    n: int

    def to_dict(self) -> dict[str, float]:
        """Return the figures for JSON."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "n": self.n}


def bootstrap(values: NDArray[np.float64], resamples: int = 1000, seed: int = 0) -> Interval:
    """Return the mean of per-person values with a percentile bootstrap interval (Efron, 1979).

    Raises ValueError when there are no values or one is NaN.
    """
    if not len(values) or np.isnan(values).any():
        raise ValueError("A metric needs at least one person and no NaN.")
    means = _draws(len(values), resamples, seed) @ values / len(values)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high), len(values))


@lru_cache(maxsize=8)  # a report asks for hundreds of intervals over the same few groups of people
def _draws(n: int, resamples: int, seed: int) -> NDArray[np.float32]:
    """Count how often each of n people is drawn in each resample (resamples, n)."""
    rng = np.random.default_rng(seed)
    drawn = (np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(resamples))
    return np.array(list(drawn), dtype=np.float32)


def coverage(top: NDArray[np.int64], n_items: int) -> float:
    """Return the share of the catalogue that appears in anybody's list; `top` (U, k) are indices."""
    return len(np.unique(top)) / n_items


def novelty(top: NDArray[np.int64], information: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean self-information of each list (U,), in bits (Vargas and Castells, 2011).

    `top` (U, k) are indices, `information` (N + 1,) what it says about a person to have each title.
    """
    return information[top].mean(1)  # type: ignore[no-any-return]


def means(values: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """Average each metric's per-person values."""
    return {name: float(row.mean()) for name, row in values.items()}
