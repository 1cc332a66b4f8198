"""The item-item term learns from new people, and stays what it was where they say nothing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from ml.closed_forms import learn_item_item
from ml.config import ItemItemConfig
from ml.data import Dataset, clean
from ml.feedback import Feedback
from ml.item_item import FACTORS, ItemItem
from ml.term_update import Lists, block, entries, updated, with_block

CONFIG = ItemItemConfig(neighbours=10, rank=4)
N = 30


def people(lists: list[list[tuple[int, Feedback]]]) -> Dataset:
    rows = [(f"p{n}", item, int(said)) for n, row in enumerate(lists) for item, said in row]
    rows += [
        ("all", item, int(Feedback.LIKE)) for item in range(1, N + 1)
    ]  # so that every title has its index
    table = pd.DataFrame(rows, columns=["user_id", "item_id", "feedback"]).assign(timestamp=np.nan)
    dataset = clean([table], min_item_count=1, min_user_count=1)
    return dataset.people(dataset.user_ids != "all")


@pytest.fixture(scope="module")
def term() -> ItemItem:
    rng = np.random.default_rng(0)
    halves = (np.arange(1, 16), np.arange(16, 31))
    lists = [[(int(i), Feedback.LIKE) for i in rng.choice(halves[n % 2], 6, False)] for n in range(80)]
    return learn_item_item(people(lists), CONFIG)


def say(term: ItemItem, giver: int, target: int) -> float:
    return float(block(term, np.array(sorted({giver, target})))[int(giver > target), int(target > giver)])


def agreeing(n: int) -> Dataset:
    """People who like both title 1 and title 30, which nobody did before."""
    return people([[(1, Feedback.LOVE), (30, Feedback.LOVE)] for _ in range(n)])


def test_it_works(term: ItemItem) -> None:
    """A handful moves a pair a little, many move it most of the way, and nothing else moves."""
    before, few, many = (say(t, 1, 30) for t in (term, moved(term, 3), moved(term, 300)))
    assert before < few < before + 0.1
    assert many > before + 0.5
    assert moved(term, 300).problem(N) is None
    elsewhere = np.arange(2, 30)
    assert np.array_equal(block(moved(term, 300), elsewhere), block(term, elsewhere))
    assert torch.equal(moved(term, 300).tensors[FACTORS], term.tensors[FACTORS])


def moved(term: ItemItem, n: int) -> ItemItem:
    return updated(term, agreeing(n), ridge=50.0)


def test_a_dislike_speaks_against(term: ItemItem) -> None:
    against = people(
        [[(1, Feedback.DISLIKE), (30, Feedback.LOVE)] for _ in range(100)] + [[(1, Feedback.LIKE)]]
    )
    assert say(updated(term, against, 50.0), 1, 30) < say(term, 1, 30) - 0.1


def test_it_is_the_minimum(term: ItemItem) -> None:
    """No small step that keeps the diagonal makes the objective smaller."""
    rng = np.random.default_rng(1)
    some = people([[(int(i), Feedback.LIKE) for i in rng.choice(N, 5, False) + 1] for _ in range(12)])
    lists, ridge = Lists.of(some, term), 7.0
    before = block(term, lists.titles)
    change = lists.change(before, ridge)

    def objective(step: np.ndarray) -> float:
        error = lists.liked - lists.said @ (before + step)
        return float((error**2).sum() + ridge * (step**2).sum())

    best = objective(change)
    for _ in range(50):
        step = rng.normal(0, 1e-3, change.shape)
        np.fill_diagonal(step, 0.0)
        assert objective(change + step) > best - 1e-6


def test_writing_back_what_was_read_changes_nothing(term: ItemItem) -> None:
    titles = np.arange(3, 20)
    same = with_block(term, titles, block(term, titles), neighbours=10)
    for mine, theirs in zip(entries(same), entries(term), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_only_the_largest_weights_are_kept(term: ItemItem) -> None:
    _, before, _ = entries(term)
    _, after, _ = entries(updated(term, people([[(i, Feedback.LOVE) for i in range(1, N + 1)]] * 50), 50.0))
    assert np.bincount(after).max() == np.bincount(before).max() == CONFIG.neighbours


def test_people_who_like_nothing_change_nothing(term: ItemItem) -> None:
    sour = people([[(1, Feedback.DISLIKE), (2, Feedback.DISLIKE)]])
    assert updated(term, sour, 50.0) is term
    nobody = replace(sour).people(np.zeros(sour.n_users, dtype=bool))
    assert updated(term, nobody, 50.0) is term


def test_fewer_people_than_asked_move_no_pair(term: ItemItem) -> None:
    """Four who agree on a title that hardly anybody knows would else decide what is said of it."""
    for n, moves in ((4, False), (5, True)):
        assert (say(updated(term, agreeing(n), 50.0, fewest=5), 1, 30) != say(term, 1, 30)) is moves
    strangers = people([[(n, Feedback.LOVE), (30, Feedback.LOVE)] for n in range(1, 9)])
    assert all(say(updated(term, strangers, 50.0, fewest=5), n, 30) == say(term, n, 30) for n in range(1, 9))
