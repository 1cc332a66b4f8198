"""The published figures: what is learned from, and that titles a person has seen compete as in RecBole."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import gru4rec
from benchmarks.published import NothingHidden, measure, recipe, train_sasrec, untrained
from ml.batches import Batches
from ml.data import Dataset, clean
from ml.history import History
from ml.leave_out import leave_one_out_in_time
from ml.objective import Objective
from ml.protocols import Case

N_TITLES = 150


@pytest.fixture(scope="module")
def ordered() -> Dataset:
    """Twenty people who see titles one after another, each from another one on."""
    rows = [(str(u), (u + t) % N_TITLES + 1, float(t)) for u in range(20) for t in range(30 + 5 * u)]
    table = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])
    return clean([table.assign(feedback=np.int8(3))], min_item_count=1, min_user_count=1)


def test_every_event_but_a_persons_first_is_learned_once(ordered):
    inputs, targets = gru4rec.windows(ordered)
    firsts = ordered.items[ordered.offsets[:-1]]
    learned = np.bincount(targets[targets > 0], minlength=ordered.n_items + 1)
    assert (learned == ordered.item_counts() - np.bincount(firsts, minlength=ordered.n_items + 1)).all()
    whole = (inputs > 0).all(1)  # it may begin inside a list, so its first events only inform
    assert whole.any()
    assert (targets[whole, : gru4rec.LENGTH] == 0).all()
    assert (targets[whole, gru4rec.LENGTH :] > 0).all()


def test_the_window_scores_what_follows_its_last_event(ordered):
    torch.manual_seed(0)
    model = gru4rec.GRU4Rec(ordered.n_items).eval()
    history = ordered.history(0)
    case = Case(history.take(range(10)), history.item_ids[10:11], ())
    row = torch.from_numpy(ordered.items[:10].astype(np.int64))[None]
    last = torch.arange(10)[None] == 9
    expected = model(row, last).detach().numpy()
    assert np.allclose(gru4rec.scores(model, [case], ordered.id_map), expected, atol=1e-6)


def test_known_titles_compete_unless_masked(ordered):
    case = Case(History.of(ordered.id_map.ids[:2]), ordered.id_map.ids[2:3], ())
    scores = np.zeros((1, ordered.n_items + 1), dtype=np.float32)
    scores[0, 1:4] = 3.0, 2.0, 1.0
    assert measure(scores, [case], ordered.id_map)["mrr@10"] == pytest.approx(1 / 3)
    assert measure(scores, [case], ordered.id_map, masked=True)["mrr@10"] == 1.0


def test_seen_titles_are_pushed_down_only_where_nothing_is_hidden(ordered):
    model_config, config = recipe(ordered.n_items, seed=0)
    config = replace(config, batch_size=1, dislike_strength=0.0)
    batch = next(Batches(ordered, model_config.time_bins, config).endless())
    first = batch.columns[0, 0]  # seen at every position of the window
    slopes = {}
    for kind in (NothingHidden, Objective):
        model = untrained(model_config, ordered, 0).model()
        kind(config, torch.from_numpy(ordered.item_counts()))(model, batch).backward()
        slopes[kind] = float(model.bias.grad[first])
    assert slopes[Objective] == 0
    assert slopes[NothingHidden] > 0


def test_our_trainer_learns_a_plain_order(ordered, monkeypatch):
    monkeypatch.setattr("benchmarks.published.EPOCHS", 40)
    monkeypatch.setattr("benchmarks.published.CHECKS", 1)
    trial = leave_one_out_in_time(ordered)
    model = train_sasrec(trial, seed=0)
    found = measure(model(trial.test), trial.test, ordered.id_map)
    assert found["hit@10"].mean() > 2 * 10 / N_TITLES
