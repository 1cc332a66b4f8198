"""ItemKNN, iALS, BPR and the rules, each against a direct computation or a property that can fail."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from ml.baselines import Popularity
from ml.data import clean
from ml.factorisation import BPR, IALS
from ml.feedback import Feedback
from ml.history import History
from ml.neighbours import ItemKNN
from ml.protocols import fold_in, measure
from ml.ratings import DataError
from ml.rules import FranchiseSiblings, RecentPopularity, read_franchises
from ml.tests.conftest import MECHA, ROMANCE


def rows_of(lists, days=None):
    rows = [(str(u), i, int(Feedback.LIKE)) for u, items in enumerate(lists) for i in items]
    times = np.nan if days is None else [86_400.0 * day for day in days]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "feedback"]).assign(timestamp=times)


@pytest.fixture(scope="module")
def four():
    """Four people, four titles: 10 with 20 twice, 20 with 30 twice, 30 with 40 once."""
    table = rows_of([(10, 20), (10, 20, 30), (20, 30), (30, 40)])
    return clean([table.astype({"feedback": "int8"})], min_item_count=1)


@pytest.mark.parametrize("build", [ItemKNN, lambda d: IALS(d, width=8), lambda d: BPR(d, width=8, epochs=40)])
def test_a_taste_is_found_in_people_unseen_in_training(world, build):
    half = np.arange(world.n_users) < world.n_users // 2
    scorer, cases = build(world.people(half)), fold_in(world.people(~half))
    found = measure(scorer, cases, None, (10,))["recall@10"].mean()
    assert found > measure(Popularity(world.people(half)), cases, None, (10,))["recall@10"].mean() + 0.1


@pytest.mark.parametrize("build", [ItemKNN, lambda d: IALS(d, width=8), lambda d: BPR(d, width=8, epochs=2)])
def test_scores_do_not_depend_on_company_or_order(world, build):
    scorer = build(world)
    person, other = world.history(0), world.history(1)
    alone = scorer.scores([person])[0]
    together = scorer.scores([other, person.take(range(len(person))[::-1]), History()])
    assert alone.shape == (world.n_items + 1,)
    assert alone[0] == -np.inf
    assert np.isfinite(together[:, 1:]).all()
    np.testing.assert_allclose(together[1], alone, atol=1e-5)
    unknown = person.added(999_999, Feedback.LIKE)
    np.testing.assert_allclose(scorer.scores([unknown])[0], alone, atol=1e-5)


def test_itemknn_equals_cosines_by_hand(four):
    weights = ItemKNN(four, k=4, shrinkage=0.0).weights
    assert weights[0, 1] == pytest.approx(2 / np.sqrt(2 * 3))
    assert weights[1, 2] == pytest.approx(2 / np.sqrt(3 * 3))
    assert weights[2, 3] == pytest.approx(1 / np.sqrt(3 * 1))
    assert weights[0, 3] == weights[0, 0] == 0
    assert ItemKNN(four, k=4, shrinkage=3.0).weights[1, 2] == pytest.approx(2 / 6)
    scores = ItemKNN(four, k=4, shrinkage=0.0).scores([History.of([10, 30])])[0]
    assert scores[2] == pytest.approx(2 / np.sqrt(6) + 2 / 3)


def test_itemknn_keeps_the_nearest_of_each_title(four):
    weights = ItemKNN(four, k=1, shrinkage=0.0).weights
    assert [np.flatnonzero(row).tolist() for row in weights] == [[1], [0], [1], [2]]
    with pytest.raises(ValueError, match="at least 1"):
        ItemKNN(four, k=0)


def test_ials_fold_in_solves_its_own_normal_equations(four):
    model = IALS(four, width=3, unobserved=0.2, regularisation=0.05, epochs=3)
    q = model.items.double()
    told = q[[0, 2]]
    left = 0.2 * q.T @ q + told.T @ told + 0.05 * (2 + 0.2 * 4) * torch.eye(3)
    expected = q @ torch.linalg.solve(left, told.sum(0))
    np.testing.assert_allclose(model.scores([History.of([10, 30])])[0, 1:], expected, atol=1e-5)


def ials_loss(x, people, items, unobserved, regularisation):
    """Return the objective of the docstring, dense."""
    predicted = people @ items.T
    fit = (x * (1 - predicted) ** 2).sum() + unobserved * (predicted**2).sum()
    people_weights = x.sum(1) + unobserved * x.shape[1]
    items_weights = x.sum(0) + unobserved * x.shape[0]
    lengths = (people_weights * (people**2).sum(1)).sum() + (items_weights * (items**2).sum(1)).sum()
    return fit + regularisation * lengths


def test_every_epoch_of_ials_lowers_the_loss(world):
    x = torch.zeros(world.n_users, world.n_items)
    x[world.user_of_event, world.items - 1] = 1
    lists = [np.flatnonzero(row) for row in x.numpy()]
    losses = []
    for epochs in range(1, 5):
        model = IALS(world, width=4, unobserved=0.1, regularisation=0.01, epochs=epochs)
        losses.append(float(ials_loss(x, model.solve(lists, model.items), model.items, 0.1, 0.01)))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] * 0.999


def test_bpr_fold_in_reaches_the_minimum_of_its_loss(world):
    model = BPR(world, width=4, epochs=10, regularisation=0.01, fold_steps=400)
    indices = world.id_map.indices_of(world.history(0).item_ids) - 1
    person = model._fold_in([indices])[0].requires_grad_()
    better, worse = model._fold_in_pairs(indices)
    assert set(better) == set(indices)
    assert not set(worse) & set(indices)
    margin = (model.items[better] - model.items[worse]) @ person + model.bias[better] - model.bias[worse]
    loss = torch.nn.functional.softplus(-margin).mean() + 0.01 * (person**2).sum()
    loss.backward()
    assert person.detach().norm() > 0.1
    assert person.grad.norm() < 1e-3


def test_bpr_gives_strangers_the_bias(world):
    model = BPR(world, width=4, epochs=5)
    np.testing.assert_array_equal(model.scores([History()])[0, 1:], model.bias.numpy())


def test_recent_popularity_counts_the_last_days():
    table = rows_of([(1, 2), (1, 2), (1, 3)], days=[0, 100, 1, 101, 2, 103])
    dataset = clean([table.astype({"feedback": "int8"})], min_item_count=1)
    scores = RecentPopularity(dataset, days=10).scores([History(), History.of([1])])
    assert np.argsort(-scores[0])[:3].tolist() == [2, 3, 1]
    assert (scores[0] == scores[1]).all()
    assert np.argmax(RecentPopularity(dataset, days=365).scores([History()])[0]) == 1


def test_recent_popularity_at_the_time_of_the_person():
    table = rows_of([(1, 2), (1, 2), (1, 3)], days=[0, 100, 1, 101, 2, 103])
    dataset = clean([table.astype({"feedback": "int8"})], min_item_count=1)
    scorer = RecentPopularity(dataset, days=10, own_time=True)
    early = History((9,), (2,), (2 * 86_400.0,))
    scores = scorer.scores([early, History()])
    assert np.argmax(scores[0]) == 1  # what came later is not known yet
    assert scores[0, 2] < 1
    np.testing.assert_array_equal(scores[1], RecentPopularity(dataset, days=10).scores([History()])[0])


def test_recent_popularity_refuses_data_without_times(world):
    with pytest.raises(DataError, match="has no times"):
        RecentPopularity(world)


def test_siblings_come_first_then_the_popular(world):
    franchises = {ROMANCE[0]: "a", MECHA[0]: "a", MECHA[1]: "a", ROMANCE[1]: "b"}
    model = FranchiseSiblings(world, franchises)
    popular = Popularity(world).scores([History()])[0]
    np.testing.assert_array_equal(np.argsort(model.scores([History()])[0]), np.argsort(popular))
    scores = model.scores([History.of([ROMANCE[0], ROMANCE[5]])])[0]
    siblings = world.id_map.indices_of([ROMANCE[0], MECHA[0], MECHA[1]])
    assert set(np.argsort(-scores)[:3]) == set(siblings)
    others = np.setdiff1d(np.arange(1, world.n_items + 1), siblings)
    assert (np.diff(popular[others][np.argsort(-scores[others], kind="stable")]) <= 0).all()


def test_franchises_are_read_or_refused(tmp_path):
    file = tmp_path / "f.json"
    file.write_text(json.dumps([{"name": "x", "anime_ids": [1, 2]}, {"name": "x", "anime_ids": [3]}]))
    groups = read_franchises(file)
    assert groups[1] == groups[2] != groups[3]
    for text in ("[1]", "{", '[{"name": "x"}]'):
        file.write_text(text)
        with pytest.raises(DataError, match="not a JSON list"):
            read_franchises(file)
    with pytest.raises(DataError, match="no such file"):
        read_franchises(tmp_path / "none.json")
