from dataclasses import replace

import numpy as np
import pytest
import torch

from ml.baselines import Popularity
from ml.data import clean
from ml.feedback import Feedback
from ml.fine_tuning import fine_tune
from ml.fitting import learning_rate
from ml.protocols import fold_in, measure
from ml.ranker import Ranker
from ml.ratings import DataError
from ml.sasrec import SASRec
from ml.splits import Split, user_fractions
from ml.tests.conftest import TINY, tiny_config, two_tastes
from ml.time_bins import FIRST_GAP_BIN
from ml.training import train, untrained

EVERYBODY = Split(0.0, 0.0)


def ranker_of(checkpoint):
    return Ranker(checkpoint)


def test_a_tiny_set_is_learned_by_heart():
    lists = {str(user): range(10 * user, 10 * user + 6) for user in range(4)}
    rows = [(user, item, 2, np.nan) for user, items in lists.items() for item in items]
    table = two_tastes(1).iloc[:0].reindex(range(len(rows)))
    table[["user_id", "item_id", "feedback", "timestamp"]] = rows
    dataset = clean([table.astype({"item_id": int, "feedback": int, "timestamp": float})], min_item_count=1)
    config = replace(TINY, epochs=60, batch_size=4, split=EVERYBODY, pretended_people=0.0)
    ranker = ranker_of(train(dataset, tiny_config(dataset.n_items, dropout=0.0), config, "cpu"))
    for user in range(dataset.n_users):
        history = dataset.history(user)
        best = ranker.rank(history.take(range(3)), 3)
        assert {item.item_id for item in best} == set(history.item_ids[3:])


def test_people_never_seen_are_ranked_better_than_by_popularity(world, trained):
    unseen = clean([two_tastes(200, seed=1)], min_item_count=1)
    cases = fold_in(unseen)
    ours = measure(ranker_of(trained), cases, None, (10,))["ndcg@10"].mean()
    theirs = measure(Popularity(world), cases, None, (10,))["ndcg@10"].mean()
    assert ours > theirs + 0.1


def test_the_same_seed_gives_the_same_weights(world, trained):
    again = train(world, trained.config, TINY, "cpu")
    assert all(torch.equal(again.weights[name], weight) for name, weight in trained.weights.items())
    other = train(world, trained.config, replace(TINY, seed=1, max_steps=3), "cpu")
    assert not torch.equal(other.weights["items.weight"], trained.weights["items.weight"])


def test_fine_tuning_keeps_what_it_does_not_train(world, trained):
    newcomers = clean([two_tastes(40, seed=2).replace({"item_id": {101: 999}})], min_item_count=1)
    still = fine_tune(
        trained, newcomers, None, replace(TINY, learning_rate=0.0, split=EVERYBODY, max_steps=3), device="cpu"
    )
    assert still.id_map.ids == (*trained.id_map.ids, 999)
    assert torch.equal(still.weights["items.weight"][:-1], trained.weights["items.weight"])
    assert still.config == replace(trained.config, n_items=trained.config.n_items + 1)
    assert (still.item_counts[:-1] >= trained.item_counts).all()
    assert still.mix == trained.mix
    table = still.item_item.tensors["factors"]
    assert torch.equal(table[:-1], trained.item_item.tensors["factors"])
    assert not table[-1].any()
    assert still.item_counts[-1] == newcomers.item_counts()[newcomers.id_map.index_of(999)]


def test_fine_tuning_is_bounded_and_moves(trained):
    data = clean([two_tastes(40, seed=2)], min_item_count=1)
    moved = fine_tune(trained, data, None, replace(TINY, split=EVERYBODY, max_steps=5), device="cpu")
    assert moved.metrics["steps"] == 5
    assert not torch.equal(moved.weights["items.weight"], trained.weights["items.weight"])
    hurried = fine_tune(trained, data, None, replace(TINY, split=EVERYBODY, max_seconds=0.0), device="cpu")
    assert hurried.metrics["steps"] == 1


def test_an_anchor_keeps_a_handful_of_clicks_from_bending_the_model(trained):
    clicks = clean([two_tastes(3, seed=3)], min_item_count=1)
    config = replace(TINY, split=EVERYBODY, max_steps=40)
    drift = {}
    for strength in (0.0, 0.2):
        child = fine_tune(trained, clicks, None, replace(config, anchor_strength=strength), device="cpu")
        drift[strength] = (child.weights["items.weight"] - trained.weights["items.weight"]).norm().item()
    assert drift[0.2] < 0.25 * drift[0.0]


def test_times_are_learned_where_there_are_any(trained):
    table = two_tastes(40).assign(timestamp=1.2e9 + np.arange(360) * 1e6)
    config = replace(TINY, split=EVERYBODY, max_steps=5)
    child = fine_tune(trained, clean([table], min_item_count=1), None, config, device="cpu")
    bins = child.config.time_bins
    assert bins.first < bins.last
    assert child.weights["times.weight"][bins.first : bins.last].abs().sum() > 0
    assert child.weights["positions.weight"][1:5].abs().sum() > 0
    assert child.weights["times.weight"][: bins.first].abs().sum() == 0


def test_pauses_are_learned_where_there_are_times(trained):
    table = two_tastes(40).assign(timestamp=1.2e9 + np.arange(360) * 5e4)  # half a day apart
    config = replace(TINY, split=EVERYBODY, max_steps=5)
    child = fine_tune(trained, clean([table], min_item_count=1), None, config, device="cpu")
    rows = child.weights["gaps.weight"].abs().sum(1).nonzero().flatten()
    assert rows.tolist() == [FIRST_GAP_BIN + 2]  # six hours to a day
    assert not trained.weights["gaps.weight"].any()


def test_what_the_context_leaves_out_is_never_trained(world):
    config = tiny_config(world.n_items, context=("time",))
    weights = train(world, config, replace(TINY, max_steps=3), "cpu").weights
    fresh = SASRec(config).state_dict()
    assert torch.equal(weights["gate.weight"], fresh["gate.weight"])
    assert not weights["positions.weight"].any()


def test_a_disliked_title_starts_turned_around_as_far_as_the_settings_say(world):
    for gate in (-0.5, 1.0):
        start = untrained(world, tiny_config(world.n_items), replace(TINY, dislike_gate=gate))
        told = start.weights["gate.weight"][[Feedback.DISLIKE, Feedback.LIKE]]
        assert (told[0] == gate).all()
        assert (told[1] == 1.0).all()


def test_validation_people_stop_the_run(world):
    config = replace(TINY, split=Split(0.1, 0.3), validations=12, patience=1, epochs=100)
    checkpoint = train(world, tiny_config(world.n_items), config, "cpu")
    validations = checkpoint.metrics["validations"]
    assert checkpoint.metrics["steps"] < 100 * 6
    assert max(v["ndcg@20"] for v in validations[:-2]) >= max(v["ndcg@20"] for v in validations[-2:])


def test_nobody_left_to_train_on_is_refused(world):
    with pytest.raises(DataError, match="Nobody is left"):
        train(world, tiny_config(world.n_items), replace(TINY, split=Split(1.0, 0.0)), "cpu")
    with pytest.raises(ValueError, match="titles"):
        train(world, tiny_config(5), TINY, "cpu")
    with pytest.raises(ValueError, match="max_length"):
        train(world, tiny_config(world.n_items, max_length=8), TINY, "cpu")


def test_splits_are_fixed_by_the_id_and_nested(world):
    fractions = user_fractions(np.array(["1", "2", "1"]))
    assert fractions[0] == fractions[2] == pytest.approx(0.42002, abs=1e-4)
    small, large = (Split(share, 0.1).holdout_people(world) for share in (0.1, 0.3))
    assert (large | ~small).all()
    split = Split(0.2, 0.2)
    masks = [split.holdout_people(world), split.validation_people(world), split.training_people(world)]
    assert (np.sum(masks, axis=0) == 1).all()


def test_the_learning_rate_warms_up_and_cools_down():
    rates = [learning_rate(step, 100, replace(TINY, warmup=0.1)) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(rates[10])
    assert rates[-1] < 0.02


def test_training_on_dates_learns_their_bins():
    dated = clean([two_tastes().assign(timestamp=1e9)], min_item_count=1)
    checkpoint = train(dated, tiny_config(dated.n_items), replace(TINY, epochs=2), "cpu")
    (spring,) = checkpoint.config.time_bins.bins_of([1e9])
    assert checkpoint.config.time_first == checkpoint.config.time_last == spring
    assert checkpoint.weights["times.weight"][spring].abs().sum() > 0


def test_bfloat16_products_learn_as_well(world, trained):
    halved = train(world, tiny_config(world.n_items), replace(TINY, bf16=True), "cpu")
    assert halved.weights["items.weight"].dtype == torch.float32
    assert not torch.equal(halved.weights["items.weight"], trained.weights["items.weight"])
    cases = fold_in(clean([two_tastes(200, seed=1)], min_item_count=1))
    learned, exact = (measure(ranker_of(c), cases, None, (10,))["ndcg@10"].mean() for c in (halved, trained))
    assert learned > 0.95 * exact
