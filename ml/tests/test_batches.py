from dataclasses import replace

import numpy as np
import pandas as pd

from ml.batches import Batches
from ml.data import clean
from ml.encoding import GAP, ITEM, POSITION, encode
from ml.tests.conftest import TINY, tiny_config


def batches_of(rows, **changes):
    table = pd.DataFrame(rows, columns=["user_id", "item_id", "feedback", "timestamp"])
    dataset = clean([table], min_item_count=1)
    return dataset, Batches(dataset, tiny_config(dataset.n_items).time_bins, replace(TINY, **changes))


def targets_after(batch, position, horizon=2):
    """Return the target weights by title of the first person, after a position."""
    batch.at[:] = position
    targets, disliked, seen = batch.targets(horizon)
    columns = batch.columns[0].tolist()
    return tuple(dict(zip(columns, table[0, 0].tolist(), strict=True)) for table in (targets, disliked, seen))


def test_sets_are_reshuffled_and_all_remaining_titles_are_targets():
    _, batches = batches_of([("1", i, 2, np.nan) for i in range(1, 9)])
    orders = {tuple(batches.batch(np.array([0])).inputs[0][0].tolist()) for _ in range(5)}
    assert len(orders) > 1
    batch = batches.batch(np.array([0]))
    shown = batch.inputs[0][0].tolist()
    targets, _, seen = targets_after(batch, 2)
    assert {i for i, weight in targets.items() if weight} == set(shown[3:])
    assert {i for i, was_seen in seen.items() if was_seen} == set(shown[:3])
    assert (batch.inputs[POSITION] == 0).all()


def test_titles_beyond_the_window_are_targets_too():
    _, batches = batches_of([("1", i, 2, np.nan) for i in range(1, 9)], window=4)
    batch = batches.batch(np.array([0]))
    assert batch.inputs[0].shape == (1, 4)
    targets, _, _ = targets_after(batch, 3)
    assert {i for i, weight in targets.items() if weight} == set(range(1, 9)) - set(
        batch.inputs[0][0].tolist()
    )


def test_ordered_histories_keep_their_order_and_look_ahead_a_little():
    _, batches = batches_of([("1", i, 2, 1e9 + i) for i in range(1, 9)])
    batch = batches.batch(np.array([0]))
    assert batch.inputs[0][0].tolist() == list(range(1, 9))
    assert batch.inputs[POSITION][0].tolist() == list(range(1, 9))
    targets, _, _ = targets_after(batch, 2, horizon=2)
    assert {i for i, weight in targets.items() if weight} == {4, 5}


def test_a_window_knows_its_gaps_as_serving_does():
    times = [1e9, 1e9 + 60, 1e9 + 5e4, 1e9 + 9e6, 1e9 + 9e7]
    rows = [("1", i, 2, t) for i, t in enumerate(times, 1)] + [("2", 1, 2, np.nan), ("2", 2, 2, 2e9)]
    dataset, batches = batches_of(rows, window=3)
    gaps = encode(dataset.history(0), dataset.id_map, tiny_config(dataset.n_items))[GAP]
    for _ in range(5):
        window = batches.batch(np.array([0])).inputs
        start = int(window[ITEM][0, 0]) - 1
        assert window[GAP][0].tolist() == gaps[start : start + 3].tolist()
    assert batches.batch(np.array([1])).inputs[GAP].tolist() == [[1, 1]]


def test_feedback_weighs_and_a_dislike_is_never_a_target():
    config = {"love_weight": 3.0, "like_weight": 2.0, "watched_weight": 1.0}
    _, batches = batches_of(
        [("1", i, f, 1e9 + i) for i, f in ((1, 2), (2, 1), (3, 2), (4, 3), (5, 4))], **config
    )
    targets, disliked, _ = targets_after(batches.batch(np.array([0])), 0, horizon=9)
    assert targets == {1: 0.0, 2: 0.0, 3: 2.0, 4: 3.0, 5: 1.0}
    assert disliked == {1: 0.0, 2: 1.0, 3: 0.0, 4: 0.0, 5: 0.0}


def test_an_epoch_has_everybody_once(world):
    batches = Batches(world, tiny_config(world.n_items).time_bins, TINY)
    epoch = list(batches.epoch())
    assert len(epoch) == len(batches)
    assert sum(len(batch.at) for batch in epoch) == world.n_users
    assert sum(batch.n_tokens for batch in epoch) == len(world.items)


def test_the_loss_can_be_taken_at_every_position_with_something_to_come():
    rows = [("1", i, 2, 1e9 + i) for i in range(1, 9)] + [("2", i, 2, 1e9 + i) for i in range(1, 4)]
    _, batches = batches_of(rows, positions=0)
    targets, _, _ = batches.batch(np.array([0, 1])).targets(horizon=1)
    assert targets.shape == (2, 8, 8)
    assert (targets.sum(-1) > 0).tolist() == [[True] * 7 + [False], [True] * 2 + [False] * 6]
