import numpy as np
import pytest

from ml.baselines import EASE, Popularity
from ml.data import clean
from ml.history import History
from ml.metrics import (
    METRICS,
    Interval,
    bootstrap,
    coverage,
    hit_rate,
    ndcg,
    novelty,
    recall,
    target_ranks,
)
from ml.protocols import fold_in, measure
from ml.tests.conftest import two_tastes

SCORES = np.array([-np.inf, 0.9, 0.8, 0.7, 0.7, 0.1], dtype=np.float32)


def ranks(targets, masked=()):
    return target_ranks(SCORES, np.array(targets), np.array(masked, dtype=np.int64)).tolist()


def test_ranks_by_hand():
    assert ranks([2]) == [2]
    assert ranks([2], masked=[1]) == [1]
    assert ranks([5, 1]) == [1, 5]


def test_padding_is_no_title_to_be_ranked():
    loud = np.array([9.0, 0.9, 0.8], dtype=np.float32)
    assert target_ranks(loud, np.array([1, 2]), np.array([], dtype=np.int64)).tolist() == [1, 2]


def test_ties_count_against_us():
    assert ranks([3]) == [4]
    assert ranks([3, 4]) == [3, 4]


def test_nan_and_masked_targets_fail():
    with pytest.raises(ValueError, match="NaN"):
        target_ranks(np.array([0.0, np.nan]), np.array([1]), np.array([], dtype=np.int64))
    with pytest.raises(ValueError, match="masked"):
        ranks([2], masked=[2])
    with pytest.raises(ValueError, match="no NaN"):
        bootstrap(np.array([0.1, np.nan]))


def test_metrics_by_hand():
    found = np.array([1, 3, 50])
    assert ndcg(found, 10) == pytest.approx((1 + 1 / 2) / (1 + 1 / np.log2(3) + 1 / 2))
    assert recall(found, 10) == pytest.approx(2 / 3)
    assert recall(found, 2) == pytest.approx(1 / 2)
    assert hit_rate(found, 10) == 1.0
    assert hit_rate(np.array([11]), 10) == 0.0
    assert coverage(np.array([[1, 2], [2, 3]]), 4) == pytest.approx(0.75)


def test_the_last_place_of_the_top_counts():
    at_the_end = np.array([5])
    assert (recall(at_the_end, 5), hit_rate(at_the_end, 5)) == (1.0, 1.0)
    assert ndcg(at_the_end, 5) == pytest.approx(1 / np.log2(6))
    assert (recall(at_the_end, 4), hit_rate(at_the_end, 4), ndcg(at_the_end, 4)) == (0.0, 0.0, 0.0)


def test_a_ranker_is_measured_by_all_three(world):
    assert METRICS.keys() == {"ndcg", "recall", "hit_rate"}
    assert {"ndcg@5", "recall@5", "hit_rate@5"} <= set(measure(Popularity(world), fold_in(world), 3, (5,)))


def test_novelty_is_the_mean_of_each_list():
    information = np.array([0.0, 1.0, 2.0, 3.0, 5.0])
    assert novelty(np.array([[1, 3], [4, 4], [2, 3]]), information).tolist() == [2.0, 5.0, 2.5]


def test_an_interval_is_written_with_all_its_figures():
    assert Interval(0.3, 0.2, 0.4, 7).to_dict() == {"mean": 0.3, "low": 0.2, "high": 0.4, "n": 7}


@pytest.mark.parametrize("person", [0, 4])
def test_everybody_may_be_drawn_into_a_resample(person):
    found = bootstrap(np.eye(5)[person])
    assert found.low == 0.0
    assert found.high > 0.4


def test_bootstrap_interval_holds_the_mean():
    interval = bootstrap(np.random.default_rng(0).normal(0.5, 0.1, 400))
    assert interval.low < interval.mean < interval.high
    assert interval.high - interval.low == pytest.approx(4 * 0.1 / 20, rel=0.15)


def test_ease_equals_the_direct_formula():
    table = two_tastes(40)
    dataset = clean([table], min_item_count=1)
    x = np.zeros((dataset.n_users, dataset.n_items))
    x[dataset.user_of_event, dataset.items - 1] = 1
    inverse = np.linalg.inv(x.T @ x + 5.0 * np.eye(dataset.n_items))
    expected = np.eye(dataset.n_items) - inverse / np.diag(inverse)
    np.testing.assert_allclose(EASE(dataset, 5.0).weights, expected, atol=1e-5)
    known = dataset.history(0)
    row = np.zeros(dataset.n_items)
    row[dataset.id_map.indices_of(known.item_ids) - 1] = 1
    np.testing.assert_allclose(EASE(dataset, 5.0).scores([known])[0, 1:], row @ expected, atol=1e-5)


def test_popularity_is_the_same_for_everybody(world):
    scores = Popularity(world).scores([History(), world.history(0)])
    assert (scores[0] == scores[1]).all()
    assert scores[0, 1:].tolist() == world.item_counts()[1:].tolist()


def test_fold_in_splits_every_list_and_shuffles_sets(world):
    cases = fold_in(world, share=0.8)
    assert len(cases) == world.n_users
    for user, case in enumerate(cases):
        history = world.history(user)
        assert sorted(case.known.item_ids + case.targets) == sorted(history.item_ids)
        assert len(case.targets) == 2
        assert set(case.loved) <= set(case.targets)
    assert any(case.known.item_ids != tuple(sorted(case.known.item_ids)) for case in cases)
    assert len(cases[0].told(3)) == 3
    assert cases[0].told(None) == cases[0].known


def test_every_length_ranks_the_same_candidates(world):
    cases = fold_in(world)
    popularity = Popularity(world)
    few, many = (measure(popularity, cases, n, (5,))["ndcg@5"] for n in (3, None))
    assert few.tolist() == many.tolist()
