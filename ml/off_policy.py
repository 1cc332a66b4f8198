"""What another policy would have earned, estimated from a log of what was shown with which probability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.metrics import Interval

RESAMPLES = 1000


@dataclass(frozen=True)
class Estimate:
    """The mean reward of a policy with its 95 % interval, and how much of the log speaks of that policy.

    `effective` is Kish's sample size, (sum w)^2 / sum w^2: of a thousand rows that say little about the
    policy it may be ten, and then the interval means little too.
    """

    reward: Interval
    effective: float


def snips(
    rewards: NDArray[np.float64],
    logged: NDArray[np.float64],
    wanted: NDArray[np.float64],
    people: NDArray[np.int64],
    seed: int = 0,
) -> Estimate:
    """Estimate the mean reward of a policy by self-normalised inverse propensity scoring.

    For each of E rows: the reward that was observed, the probability with which the logging policy showed
    this title, that with which the other policy would have (all (E,)), and whose row it is. The estimate is
    sum(w r) / sum(w) with w = wanted / logged (Swaminathan and Joachims, 2015): slightly biased, and of a far
    smaller variance than the unnormalised one. It is bootstrapped over people, whose rows are alike. Titles
    that the logging policy never shows cannot be judged. Raises ValueError for a logged probability outside
    of (0, 1], for another one outside of [0, 1], and where the policies have nothing in common.
    """
    if not ((logged > 0) & (logged <= 1)).all() or not ((wanted >= 0) & (wanted <= 1)).all():
        raise ValueError("Logged probabilities must lie in (0, 1], those of the other policy in [0, 1].")
    weights = wanted / logged
    if not weights.sum() > 0:
        raise ValueError("The other policy would have shown nothing of what was logged.")
    _, person = np.unique(people, return_inverse=True)
    earned, weight = (
        np.bincount(person, values).astype(np.float64) for values in (weights * rewards, weights)
    )
    value = float(earned.sum() / weight.sum())
    low, high = np.quantile(_resampled(earned, weight, seed), [0.025, 0.975])
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    return Estimate(Interval(value, float(low), float(high), len(weight)), effective)


def _resampled(earned: NDArray[np.float64], weight: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Return the ratio for people drawn with replacement (RESAMPLES,), without draws of no weight at all."""
    rng, n = np.random.default_rng(seed), len(weight)
    ratios = []
    for _ in range(RESAMPLES):
        drawn = np.bincount(rng.integers(0, n, n), minlength=n)
        if (total := drawn @ weight) > 0:
            ratios.append(drawn @ earned / total)
    return np.array(ratios)
