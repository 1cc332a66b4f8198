"""Protocols that hold out events: nothing held out is trained on, and time is respected."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml.data import Dataset, clean
from ml.leave_out import (
    file_order_leave_one_out,
    global_time_split,
    leave_one_out_in_time,
    random_leave_one_out,
    shuffled_ties,
    thinned,
    unseen_people,
)
from ml.ratings import DataError
from ml.splits import Split
from ml.tests.conftest import two_tastes


def dataset_of(rows) -> Dataset:
    table = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])
    table["timestamp"] = table["timestamp"].astype(float)
    return clean([table.assign(feedback=np.int8(3))], min_item_count=1, min_user_count=1)


def events(dataset):
    """Every (person, title) of a dataset."""
    ids = np.array((0, *dataset.id_map.ids))
    return set(
        zip(dataset.user_ids[dataset.user_of_event].tolist(), ids[dataset.items].tolist(), strict=True)
    )


@pytest.fixture(scope="module")
def dated():
    rng = np.random.default_rng(1)
    return dataset_of(
        [
            (str(user), item, float(rng.integers(0, 40)))
            for user in range(50)
            for item in rng.choice(60, 12, replace=False) + 1
        ]
    )


@pytest.mark.parametrize("protocol", [random_leave_one_out, leave_one_out_in_time, file_order_leave_one_out])
def test_two_events_of_each_person_are_held_out_and_no_other(dated, protocol):
    trial = protocol(dated)
    assert len(trial.validation) == len(trial.test) == dated.n_users
    held_out = set()
    for user, (early, late) in enumerate(zip(trial.validation, trial.test, strict=True)):
        assert late.known.item_ids == early.known.item_ids + early.targets
        assert late.loved == late.targets
        held_out |= {(dated.user_ids[user], early.targets[0]), (dated.user_ids[user], late.targets[0])}
    assert len(held_out) == 2 * dated.n_users
    assert events(trial.training) == events(dated) - held_out
    assert trial.training.id_map is dated.id_map


def test_people_with_two_events_only_train():
    few = dataset_of([("a", 1, 1), ("a", 2, 2), ("b", 1, 1), ("b", 2, 2), ("b", 3, 3)])
    for protocol in (random_leave_one_out, leave_one_out_in_time):
        trial = protocol(few)
        assert len(trial.test) == 1
        assert {item for user, item in events(trial.training) if user == "a"} == {1, 2}


def test_in_time_the_newest_event_is_the_target(dated):
    trial = leave_one_out_in_time(dated)
    for user, case in enumerate(trial.test):
        history = dated.history(user)
        time_of = dict(zip(history.item_ids, history.timestamps, strict=True))
        assert time_of[case.targets[0]] == max(history.timestamps)
        assert list(case.known.timestamps) == sorted(case.known.timestamps)


def test_the_order_of_a_set_says_nothing_about_the_target(dated):
    """In file order the target is the highest id of all; drawn at random, hardly ever."""
    sets = replace(dated, timestamps=np.full(len(dated.items), np.nan))
    by_id = dataset_of(sorted((u, i, np.nan) for u, i in events(sets)))
    highest = lambda trial: np.mean([c.targets[0] > max(c.known.item_ids) for c in trial.test])  # noqa: E731
    assert highest(file_order_leave_one_out(by_id)) == 1.0
    assert highest(random_leave_one_out(by_id)) < 0.3
    assert random_leave_one_out(by_id, seed=1).test != random_leave_one_out(by_id, seed=0).test
    assert not any(case.known.is_ordered for case in random_leave_one_out(dated).test)


def test_events_of_the_same_second_are_shuffled():
    rows = [(str(user), item, 7.0) for user in range(40) for item in range(1, 9)]
    trial = leave_one_out_in_time(dataset_of(rows))
    targets = [case.targets[0] for case in trial.test]
    assert len(set(targets)) > 4  # in file order it is always title 8
    assert len({case.known.item_ids for case in trial.test}) > 30


def test_shuffling_ties_leaves_the_order_in_time_and_untimed_events_alone():
    mixed = dataset_of([("a", 5, np.nan), ("a", 3, np.nan), *(("a", i, i // 4) for i in range(8, 40))])
    shuffled = shuffled_ties(mixed)
    assert shuffled.items[:2].tolist() == mixed.items[:2].tolist()
    assert (np.diff(shuffled.timestamps[2:]) >= 0).all()
    assert shuffled.items.tolist() != mixed.items.tolist()
    assert events(shuffled) == events(mixed)


def test_a_global_split_never_trains_on_the_future(dated):
    trial = global_time_split(dated, validation=0.2, test=0.2)
    last_trained = trial.training.timestamps.max()
    for cases in (trial.validation, trial.test):
        assert cases
        for case in cases:
            assert max(case.known.timestamps) >= 0
            assert not set(case.targets) & set(case.known.item_ids)
    time_of = {
        (user, item): time
        for user, item, time in zip(
            dated.user_of_event.tolist(), dated.items.tolist(), dated.timestamps.tolist(), strict=True
        )
    }
    tested = [max(case.known.timestamps) for case in trial.test]
    assert min(time_of.values()) <= last_trained < max(tested)
    n_targets = sum(len(case.targets) for case in trial.test)
    assert 0.1 < n_targets / len(dated.items) < 0.3


def test_a_global_split_knows_a_person_s_past_only():
    rows = [("a", i, i) for i in range(1, 11)] + [("b", i, 100 + i) for i in range(1, 11)]
    trial = global_time_split(dataset_of(rows), validation=0.25, test=0.25)
    assert trial.training.user_ids.tolist() == ["a"]
    assert not trial.validation  # b had no past, a has no present
    (case,) = trial.test
    assert case.known.item_ids == (1, 2, 3, 4, 5)
    assert case.targets == (6, 7, 8, 9, 10)


def test_undated_data_is_refused_where_time_decides():
    undated = clean([two_tastes()], min_item_count=1)
    for protocol in (leave_one_out_in_time, global_time_split):
        with pytest.raises(DataError, match="no times"):
            protocol(undated)


def test_the_fold_in_holds_out_people(world):
    trial = unseen_people(world, Split(0.2, 0.2))
    assert trial.lengths == (3, 10, 30, None)
    assert trial.training.n_users + len(trial.validation) + len(trial.test) == world.n_users


def test_thinning_judges_fewer_people_and_trains_on_all(dated):
    trial = random_leave_one_out(dated)
    thin = thinned(trial, validation=10, test=20)
    assert (len(thin.validation), len(thin.test)) == (10, 20)
    assert thin.training is trial.training
    assert all(case in trial.test for case in thin.test)
    assert thinned(trial) == trial
