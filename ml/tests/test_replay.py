"""Histories sampled from a champion."""

import numpy as np
import pytest

from ml.feedback import Feedback
from ml.replay import sampled_histories
from ml.tests.conftest import ROMANCE


@pytest.fixture(scope="module")
def sampled(trained):
    return sampled_histories(trained, 150, seed=3)


def test_histories_are_sets_of_different_titles_of_the_champions_catalogue(trained, sampled):
    assert sampled.id_map == trained.id_map
    assert sampled.n_users == 150
    assert sampled.lengths.min() >= 10
    assert sampled.lengths.max() <= 15  # half of this small catalogue
    assert np.isnan(sampled.timestamps).all()
    for user in range(sampled.n_users):
        history = sampled.history(user)
        assert len(set(history.item_ids)) == len(history)
    liked = np.isin(sampled.feedback, [Feedback.LIKE, Feedback.LOVE]).mean()
    assert 0.8 < liked < 1.0


def test_they_have_the_tastes_that_the_champion_learned(sampled):
    shares = [np.isin(sampled.history(u).item_ids[:8], ROMANCE).mean() for u in range(sampled.n_users)]
    assert np.mean(np.abs(np.array(shares) - 0.5)) > 0.2  # 0.13 if titles were drawn without regard to taste
    assert 0.3 < np.mean(shares) < 0.7


def test_the_seed_decides(trained, sampled):
    assert sampled_histories(trained, 150, seed=3).fingerprint == sampled.fingerprint
    assert sampled_histories(trained, 150, seed=4).fingerprint != sampled.fingerprint


def test_nobody_is_refused(trained):
    with pytest.raises(ValueError, match="at least 1"):
        sampled_histories(trained, 0, seed=0)
