"""What fine-tuning learns from news, and what it keeps."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from ml.batches import Batches
from ml.config import FINE_TUNING, Mix, TrainingConfig
from ml.content import ItemContent
from ml.data import clean, joined
from ml.distillation import Champion
from ml.encoding import encode
from ml.fine_tuning import fine_tune, popularity, with_titles
from ml.history import History
from ml.losses import distillation_loss
from ml.metrics import bootstrap
from ml.mixed_batches import MixedBatches
from ml.mixed_score import MixedScore
from ml.protocols import examine, fold_in
from ml.ranker import Ranker
from ml.ratings import DataError
from ml.replay import sampled_histories
from ml.splits import Split
from ml.tests.conftest import MECHA, ROMANCE, TINY, two_tastes
from ml.training import with_item_item

NEW = 999
# The recipe, with the learning rate of a model twelve times narrower than the starter and lists of ten.
RECIPE = replace(FINE_TUNING, learning_rate=1e-2, window=16, positions=4, split=Split(0.0, 0.0))


def people(n, titles_of, seed=0):
    """Make people without times, who like what `titles_of` draws for each."""
    rng = np.random.default_rng(seed)
    rows = [(f"new-{person}", int(t), 2, np.nan) for person in range(n) for t in titles_of(rng)]
    table = pd.DataFrame(rows, columns=["user_id", "item_id", "feedback", "timestamp"])
    return clean([table.astype({"feedback": "int8"})], min_item_count=1)


def odd(rng):
    return [*rng.choice(ROMANCE, 5, replace=False), *rng.choice(MECHA, 5, replace=False)]


def habit(rng):
    return [*odd(rng)[1:], NEW]


@pytest.fixture(scope="module")
def parent(world, trained):
    return replace(with_item_item(trained, world, TINY), mix=Mix((1,), (1.0,), (0.5,), (0.5,)))


@pytest.fixture(scope="module", params=["ratings", "sampled"])
def replay(request, world, parent):
    return world if request.param == "ratings" else sampled_histories(parent, 200, seed=0)


@pytest.fixture(scope="module")
def old_cases():
    return fold_in(clean([two_tastes(200, seed=1)], min_item_count=1))


def test_ten_clicks_of_an_odd_person_leave_everybody_elses_lists(parent, replay, old_cases):
    child = fine_tune(parent, people(1, odd), replay, RECIPE, device="cpu")
    before, after = (examine(Ranker(c), old_cases, None, (10,)) for c in (parent, child))
    assert after.values["ndcg@10"].mean() > before.values["ndcg@10"].mean() - 0.01
    common = [len(np.intersect1d(*rows)) for rows in zip(before.shown, after.shown, strict=True)]
    assert np.mean(common) > 9  # of ten
    assert not torch.equal(child.weights["items.weight"], parent.weights["items.weight"])


def test_a_thousand_clicks_teach_a_new_habit(parent, replay, old_cases):
    """Both tastes now go together, with a new title."""
    child = fine_tune(parent, people(100, habit), replay, RECIPE, device="cpu")
    told = people(100, habit, seed=7)
    cases = [
        replace(case, known=history.without(history.item_ids.index(NEW)), targets=(NEW,), loved=())
        for case, history in zip(fold_in(told), map(told.history, range(told.n_users)), strict=True)
    ]
    start = with_titles(parent, (NEW,), None)
    untaught, taught = (examine(Ranker(c), cases, None, (10,)).values["ndcg@10"] for c in (start, child))
    assert bootstrap(taught - untaught).low > 0.2
    before, after = (examine(Ranker(c), old_cases, None, (10,)).values["ndcg@10"] for c in (parent, child))
    assert after.mean() > before.mean() - 0.03


@pytest.mark.parametrize("is_half", [True, False])
@pytest.mark.parametrize("described", [True, False])
def test_scores_of_old_titles_stay_bit_identical(parent, is_half, described):
    if is_half:
        weights = {name: tensor.half().float() for name, tensor in parent.weights.items()}
        term = {
            n: t.half().float() if t.is_floating_point() else t for n, t in parent.item_item.tensors.items()
        }
        parent = replace(parent, weights=weights, item_item=replace(parent.item_item, tensors=term))
    kinds = dict.fromkeys(ROMANCE, "romance") | dict.fromkeys((*MECHA, *range(900, 920)), "mecha")
    content = ItemContent.of(pd.DataFrame({"item_id": list(kinds), "genre": list(kinds.values())}))
    histories = [History.of((*ROMANCE, *MECHA)[start : start + n]) for start, n in ((0, 1), (3, 2), (9, 12))]
    for n_new in (1, 2, 5, 20):
        child = with_titles(parent, tuple(range(900, 900 + n_new)), content if described else None)
        assert len(child.id_map) == len(parent.id_map) + n_new
        for asked in (*([history] for history in histories), histories):
            with torch.inference_mode():
                before, after = (
                    (*score.parts(rows), score.mixed(rows))
                    for c in (parent, child)
                    for score, rows in [(MixedScore(c), [encode(h, c.id_map, c.config) for h in asked])]
                )
            for old, new in zip(before, after, strict=True):
                assert torch.equal(old, new[:, : old.shape[1]])


def test_nobody_new_or_nobody_left_to_learn_from_is_refused(world, parent):
    with pytest.raises(DataError, match="Nobody is left"):
        fine_tune(parent, world, world, replace(RECIPE, split=Split(1.0, 0.0)), device="cpu")


@pytest.mark.parametrize("share", [0.5, 0.7])
def test_old_people_fill_at_least_their_share_and_an_epoch_meets_the_news_once(world, parent, share):
    config = replace(TINY, batch_size=15, replay_share=share)
    news = np.arange(world.n_users) % 3 == 0  # 40 of 120
    batches = MixedBatches(world, parent.config.time_bins, config, None, news)
    groups = batches.groups()
    assert len(groups) == len(batches) == -(-40 // int(15 * (1 - share)))
    assert all(len(group) == 15 and (~news[group]).mean() >= share for group in groups)
    met = np.concatenate(groups)
    assert sorted(met[news[met]]) == np.flatnonzero(news).tolist()
    few = MixedBatches(world, parent.config.time_bins, config, None, np.arange(120) > 0)  # one old person
    assert sum(int((group == 0).sum()) for group in few.groups()) >= len(few) * 8


def test_replayed_people_do_not_count_twice(world, parent):
    news, old = people(5, habit), world.people(TINY.split.training_people(world))
    child = fine_tune(parent, news, old, replace(RECIPE, max_steps=1), device="cpu")
    at = child.id_map.indices_of(parent.id_map.ids)
    counted = old.item_counts() + news.reindexed(child.id_map).item_counts()[[0, *at]]
    assert child.item_counts.numpy()[[0, *at]].tolist() == counted.tolist()
    assert child.item_counts[child.id_map.index_of(NEW)] == 5
    again = fine_tune(child, news, old, replace(RECIPE, max_steps=1), device="cpu")
    assert torch.equal(again.item_counts, child.item_counts)


def test_popularity_lies_between_the_parent_and_all_being_new():
    parent, news, replay = (torch.tensor(row) for row in ([0, 9, 4, 0], [0, 2, 6, 1], [0, 9, 50, 8]))
    assert popularity(parent, news, replay).tolist() == [0, 11, 10, 9]


def test_following_the_champion_costs_least_where_nothing_has_changed(world, parent):
    batch = next(Batches(world, parent.config.time_bins, TINY).epoch())
    targets, _, seen = batch.targets(1)
    scores = Champion(parent).scores(batch)
    same = distillation_loss(scores, scores, batch.columns, targets, seen)
    for noise in (0.1, 1.0):
        other = distillation_loss(
            scores + noise * torch.randn_like(scores), scores, batch.columns, targets, seen
        )
        assert other > same
    assert not scores.requires_grad


def test_a_follower_strays_less(world, parent):
    drift = {}
    for share in (0.0, 0.9):
        child = fine_tune(
            parent, people(60, habit), world, replace(RECIPE, champion_distillation=share), device="cpu"
        )
        drift[share] = float((child.weights["items.weight"][:-1] - parent.weights["items.weight"]).norm())
    assert drift[0.9] < drift[0.0]


def test_the_joined_people_are_those_of_the_parts(world):
    both = joined(world, world)
    assert both.n_users == 2 * world.n_users
    assert both.history(world.n_users + 3) == world.history(3) == both.history(3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"champion_distillation": 1.5},
        {"champion_distillation": 0.5, "loss": "bpr"},
        {"replay_share": 0.4},
        {"replay_share": 1.0},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TrainingConfig(**wrong)
