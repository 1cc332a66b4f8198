from dataclasses import replace
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import torch

from ml.baselines import Popularity
from ml.batches import Batches
from ml.config import Loss
from ml.data import clean
from ml.encoding import ITEM
from ml.losses import dislike_loss
from ml.objective import NegativeSampler, Objective, among, draw_partners, starting_level
from ml.protocols import fold_in, measure
from ml.ranker import Ranker
from ml.sasrec import SASRec
from ml.tests.conftest import TINY, tiny_config, two_tastes
from ml.training import train

LOSSES = get_args(Loss)
SAMPLED = LOSSES[1:]


def config_of(loss, **changes):
    return replace(TINY, loss=loss, negatives=12, negatives_per_target=12, **changes)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_learns_taste_beyond_popularity(world, loss):
    checkpoint = train(world, tiny_config(world.n_items), config_of(loss, epochs=10), "cpu")
    cases = fold_in(clean([two_tastes(100, seed=1)], min_item_count=1))
    ours = measure(Ranker(checkpoint), cases, None, (10,))["ndcg@10"].mean()
    theirs = measure(Popularity(world), cases, None, (10,))["ndcg@10"].mean()
    assert ours > theirs + 0.1


@pytest.mark.parametrize("loss", SAMPLED)
def test_drawn_losses_never_score_the_whole_catalogue(world, loss):
    model, objective = made(world, loss)
    asked = []
    score = model.score
    model.score = lambda states, titles=None: asked.append(titles) or score(states, titles)
    batch = next(Batches(world, model.config.time_bins, objective.config).epoch())
    loss = objective(model, batch)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert [titles.dim() for titles in asked] == [2, 1]  # their own lists, then the titles drawn for all
    assert len(asked[1]) <= objective.config.negatives


def made(dataset, loss, **changes):
    torch.manual_seed(0)
    counts = torch.from_numpy(dataset.item_counts())
    return SASRec(tiny_config(dataset.n_items)).eval(), Objective(config_of(loss, **changes), counts)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_dislike_term_acts_under_every_loss(world, loss):
    batch = next(Batches(world, tiny_config(world.n_items).time_bins, TINY).epoch())
    costs = []
    for strength in (0.0, 0.5):
        model, objective = made(world, loss, dislike_strength=strength)
        torch.manual_seed(1)
        costs.append(objective(model, batch))
    states = model(*batch.inputs, batch.at)
    targets, disliked, _ = batch.targets(TINY.ordered_horizon)
    term = dislike_loss(model.score(states, batch.columns), targets, disliked)
    assert term > 0
    assert (costs[1] - costs[0]).item() == pytest.approx(0.5 * term.item(), rel=1e-4)


def test_some_titles_score_as_they_do_among_all(world):
    model, _ = made(world, "bce")
    with torch.no_grad():
        model.bias.normal_()
    states, titles = torch.randn(2, 3, 16), torch.tensor([4, 9, 4])
    everything = model.score(states)
    torch.testing.assert_close(model.score(states, titles), everything[..., titles], rtol=1e-5, atol=1e-5)
    scores = model.score(states, torch.tensor([[4, 9], [2, 1]]))
    torch.testing.assert_close(scores[1], everything[1][:, [2, 1]], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("loss", SAMPLED)
def test_a_title_that_was_seen_is_never_pushed(world, loss):
    model, objective = made(world, loss, dislike_strength=0.0)
    everything = torch.arange(1, world.n_items + 1), torch.zeros(world.n_items)
    objective.sampler.draw = lambda: everything
    batch = Batches(world, model.config.time_bins, objective.config).batch(np.array([3]))
    batch.at[:] = 2
    objective(model, batch).backward()
    seen = batch.inputs[ITEM][0, :3]
    assert (model.bias.grad[seen] == 0).all()
    others = ~torch.isin(everything[0], batch.columns[0])
    assert (model.bias.grad[1:][others] > 0).all()
    assert (model.bias.grad[batch.columns[0, batch.ranks[0] > 2]] < 0).any()


def test_what_was_seen_and_what_is_a_target_is_no_negative():
    titles, columns = torch.tensor([2, 3, 7]), torch.tensor([[7, 1, 3], [2, 5, 0]])
    marked = torch.tensor([[[True, True, False]], [[True, False, True]]])
    assert among(titles, columns, marked, 9).tolist() == [[[False, False, True]], [[True, False, False]]]


@pytest.mark.parametrize(("power", "shares"), [(0, [1, 1, 1]), (1, [1, 2, 5]), (0.5, [1, 2**0.5, 5**0.5])])
def test_titles_are_drawn_by_a_power_of_their_popularity(power, shares):
    torch.manual_seed(0)
    sampler = NegativeSampler(
        torch.tensor([0, 0, 1, 4]), replace(TINY, negatives=2, negative_popularity=power)
    )
    draws = [sampler.draw() for _ in range(4000)]
    often = torch.bincount(torch.cat([titles for titles, _ in draws]), minlength=4)[1:] / len(draws)
    chances = 1 - (1 - np.array(shares) / sum(shares)) ** 2
    np.testing.assert_allclose(often, chances, atol=0.03)
    titles, log_chances = draws[0]
    np.testing.assert_allclose(log_chances.exp(), chances[titles - 1], rtol=1e-5)
    assert all(len(set(titles.tolist())) == len(titles) for titles, _ in draws)


@pytest.mark.parametrize("power", [0.0, 0.7])
def test_the_estimated_total_is_right_on_average(power):
    torch.manual_seed(0)
    counts = torch.cat([torch.zeros(1, dtype=torch.int64), torch.arange(50) ** 2])
    scores = torch.randn(51)
    sampler = NegativeSampler(counts, replace(TINY, negatives=10, negative_popularity=power))
    draws = [sampler.draw() for _ in range(4000)]
    estimates = torch.stack([(scores[titles] - log_chances).exp().sum() for titles, log_chances in draws])
    assert estimates.mean().item() == pytest.approx(scores[1:].exp().sum().item(), rel=0.03)


def test_partners_are_targets_drawn_by_weight():
    torch.manual_seed(0)
    targets = torch.tensor([[[0.0, 3.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]])
    places = draw_partners(targets, 8000)
    assert set(places[0, 0].tolist()) == {1, 2}
    assert (places[0, 0] == 1).float().mean().item() == pytest.approx(0.75, abs=0.02)
    assert places.max() < 4


def test_binary_losses_start_at_their_level():
    counts = torch.tensor([0, 30, 10])
    bias = counts[1:].double().log()
    bce = bias + starting_level(replace(TINY, loss="bce", negatives_per_target=4), counts)
    # of a title's events and its 4 * 1/2 negatives to every event, the share that are events
    np.testing.assert_allclose(bce.sigmoid(), [0.75 / (0.75 + 2), 0.25 / (0.25 + 2)])
    gbce = bias + starting_level(replace(TINY, loss="gbce", negatives_per_target=1, calibration=1.0), counts)
    np.testing.assert_allclose(gbce.exp(), [1.5, 0.5])
    assert starting_level(TINY, counts) == 0.0


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match=r"loss must be one of softmax, .*; not hinge"):
        replace(TINY, loss="hinge")
    with pytest.raises(ValueError, match="negatives and negatives_per_target must be at least 1"):
        replace(TINY, negatives=0)


def test_weights_of_feedback_hold_under_a_drawn_loss():
    rows = [("1", 1, 2, 1e9), ("1", 2, 3, 2e9), ("1", 3, 2, 3e9)]  # title 2 is loved, title 3 liked
    rows += [("2", i, 2, 1e9 + i) for i in range(1, 9)]
    table = pd.DataFrame(rows, columns=["user_id", "item_id", "feedback", "timestamp"])
    dataset = clean([table], min_item_count=1)
    slopes = {}
    for love in (1.0, 3.0):
        model, objective = made(dataset, "bce", love_weight=love, dislike_strength=0.0)
        batch = Batches(dataset, model.config.time_bins, objective.config).batch(np.array([0]))
        batch.at[:] = 0
        torch.manual_seed(0)
        objective(model, batch).backward()
        slopes[love] = float(model.bias.grad[2] / model.bias.grad[3])
    assert slopes[3.0] == pytest.approx(3 * slopes[1.0], rel=1e-3)


@pytest.mark.parametrize("positions", [0, 5])
def test_the_next_title_costs_and_teaches_what_the_plain_softmax_does(positions, monkeypatch):
    rng = np.random.default_rng(0)
    rows = [
        (str(person), int(item), int(rng.integers(1, 5)), 1e9 + place)
        for person in range(9)
        for place, item in enumerate(rng.permutation(30)[: 3 + 3 * person])
    ]
    table = pd.DataFrame(rows, columns=["user_id", "item_id", "feedback", "timestamp"])
    dataset = clean([table], min_item_count=1)
    changes = {"positions": positions, "ordered_horizon": 1, "window": 12, "dislike_strength": 0.0}
    model, objective = made(dataset, "softmax", **changes)
    batch = Batches(dataset, model.config.time_bins, objective.config).batch(np.arange(9))
    monkeypatch.setattr("ml.losses.ROWS", 20)  # several chunks, none of them even
    found = []
    for is_plain in (True, False):
        monkeypatch.setattr(Objective, "is_plain", is_plain)
        loss = objective(model, batch)
        slopes = torch.autograd.grad(2 * loss, list(model.parameters()), allow_unused=True)
        found.append((loss, [slope for slope in slopes if slope is not None]))
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-6)


def test_only_a_next_title_and_nothing_else_is_fused(world):
    model, objective = made(world, "softmax", ordered_horizon=1, dislike_strength=0.0)
    assert objective.is_plain
    for changes in ({"ordered_horizon": 2}, {"dislike_strength": 0.1}, {"loss": "bce"}):
        assert not Objective(replace(objective.config, **changes), objective.sampler.shares).is_plain
    loose = next(Batches(world, model.config.time_bins, objective.config).epoch())
    assert not loose.is_ordered
    loose.first_ordered[:] = 0
    assert loose.is_ordered
