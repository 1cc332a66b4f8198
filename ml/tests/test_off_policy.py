"""Off-policy estimates, on simulated logs where the truth is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.off_policy import Estimate, snips

LOVED = np.array([0.05, 0.10, 0.20, 0.40])  # how often each of four titles is loved
LOGGING = np.array([0.55, 0.25, 0.15, 0.05])  # it shows the good ones least
PEOPLE, EACH = 400, 10


def estimate(policy: NDArray[np.float64], seed: int, tastes: float = 0.0) -> Estimate:
    """Simulate a log and ask it about a policy; `tastes` is how much people differ."""
    rng = np.random.default_rng(seed)
    people = np.repeat(np.arange(PEOPLE), EACH)
    shown = rng.choice(4, PEOPLE * EACH, p=LOGGING)
    liking = np.repeat(np.exp(tastes * rng.standard_normal(PEOPLE) - tastes**2 / 2), EACH)
    rewards = (rng.random(len(shown)) < LOVED[shown] * liking).astype(np.float64)
    return snips(rewards, LOGGING[shown], policy[shown], people)


@pytest.mark.parametrize(
    "policy", [[0.25, 0.25, 0.25, 0.25], [0.0, 0.0, 0.0, 1.0], [0.1, 0.2, 0.3, 0.4], [1.0, 0.0, 0.0, 0.0]]
)
def test_it_finds_the_truth(policy: list[float]):
    wanted = np.array(policy)
    found = np.array([estimate(wanted, seed).reward.mean for seed in range(40)])
    truth = float(wanted @ LOVED)
    assert abs(found.mean() - truth) < 3 * found.std() / np.sqrt(len(found)) + 0.002
    naive = float(LOGGING @ LOVED)
    assert abs(truth - naive) > 0.02 or policy[0] == 1.0  # what the log itself earned is not the answer


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    wanted = np.array([0.1, 0.2, 0.3, 0.4])
    truth = float(wanted @ LOVED)
    intervals = [estimate(wanted, seed, tastes=0.5).reward for seed in range(120)]
    share = np.mean([interval.low <= truth <= interval.high for interval in intervals])
    assert 0.88 <= share <= 0.99


def test_the_logging_policy_itself_is_the_plain_mean():
    found = estimate(LOGGING, 0)
    assert found.effective == pytest.approx(PEOPLE * EACH)
    assert found.reward.mean == pytest.approx(float(LOGGING @ LOVED), abs=0.02)


def test_a_policy_that_the_log_hardly_speaks_of_has_a_small_effective_sample():
    assert estimate(np.array([0.0, 0.0, 0.0, 1.0]), 0).effective < 0.1 * PEOPLE * EACH


@pytest.mark.parametrize(
    ("logged", "wanted", "message"),
    [(0.0, 0.5, "must lie in"), (1.2, 0.5, "must lie in"), (0.5, -0.1, "must lie in"), (0.5, 0.0, "nothing")],
)
def test_it_rejects_what_are_no_probabilities(logged: float, wanted: float, message: str):
    one = np.ones(3)
    with pytest.raises(ValueError, match=message):
        snips(one, logged * one, wanted * one, np.arange(3))
