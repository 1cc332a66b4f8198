"""Blends of rankers."""

import numpy as np
import pytest

from ml.baselines import EASE, Popularity
from ml.history import History
from ml.hybrid import Blend, normalised
from ml.id_maps import IdMap
from ml.protocols import KNOWN, fold_in, measure
from ml.splits import Split


class Fixed:
    """Says the same of everybody."""

    def __init__(self, values, ids=(1, 2, 3, 4)):
        self.id_map = IdMap(ids)
        self.values = values

    def scores(self, histories):
        return np.tile(np.array([-np.inf, *self.values], dtype=np.float32), (len(histories), 1))


def test_fixed_shares_by_hand():
    model, content = Fixed([10, 20, 30, -np.inf]), Fixed([1, 1, 4, 0])
    scores = Blend.fixed(model, content).scores([History.of([4])])[0]
    z = np.array([-1, 0, 1]) / np.sqrt(2 / 3)
    w = np.array([-1, -1, 2]) / np.sqrt(2)
    np.testing.assert_allclose(scores[1:4], 0.8 * z + 0.2 * w, atol=1e-6)
    assert scores[0] == scores[4] == -np.inf  # padding, and the title of the history


def test_units_do_not_matter_and_a_constant_says_nothing():
    one, other = Fixed([1, 2, 3, 5]), Fixed([100, 200, 300, 500])
    people = [History.of([1]), History()]
    np.testing.assert_allclose(normalised(one, people), normalised(other, people), atol=1e-6)
    assert (normalised(Fixed([7, 7, 7, 7]), people) == 0).all()


def test_shares_follow_the_number_of_known_titles():
    up, down = Fixed([1, 2, 3, 4, 5], range(1, 6)), Fixed([5, 4, 3, 2, 1], range(1, 6))
    blend = Blend([up, down], [(1, 0), (0, 1)], [1, 3])
    few, many = blend.scores([History.of([1]), History.of([1, 2, 3])])
    assert few[5] > few[4]
    assert many[4] > many[5]


def test_rejects_what_does_not_line_up():
    one, other = Fixed([1, 2, 3, 4]), Fixed([1, 2, 3, 4], (4, 3, 2, 1))
    with pytest.raises(ValueError, match="the same titles"):
        Blend.fixed(one, other)
    with pytest.raises(ValueError, match="a share of each"):
        Blend([one], [(0.5, 0.5)])
    with pytest.raises(ValueError, match="validation people"):
        Blend.tuned([one], [])


def test_tuning_is_no_worse_than_any_part_on_what_it_was_tuned_on(world):
    split = Split(0.3, 0.0)
    learners = world.people(split.training_people(world))
    cases = fold_in(world.people(split.holdout_people(world)))
    parts = [Popularity(learners), EASE(learners, 50.0)]
    blend = Blend.tuned(parts, cases)
    assert blend.lengths == (3, 10, 30, 100)
    for n, shares in zip(KNOWN, blend.shares, strict=True):
        assert sum(shares) == pytest.approx(1)
        alike = Blend(parts, [shares])
        best = max(measure(part, cases, n)["ndcg@20"].mean() for part in parts)
        assert measure(alike, cases, n)["ndcg@20"].mean() >= best - 1e-6
    assert blend.shares[-1][1] > 0.5  # taste beats popularity here
