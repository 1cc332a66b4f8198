"""The search for recipes of the item-item term: its measure, its folds, and a run over a tiny world."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import item_item, recipes
from benchmarks.folds import Fold, ndcg_rows
from ml.closed_forms import learn_item_item, list_gram
from ml.config import ItemItemConfig
from ml.content import ItemContent
from ml.data import Dataset, clean, describe
from ml.metrics import ndcg, target_ranks
from ml.splits import Split
from ml.tests.conftest import MECHA, ROMANCE, two_tastes


@pytest.fixture(scope="module")
def world() -> Dataset:
    """A world of two tastes whose titles have a genre."""
    ratings = clean([two_tastes(200)], min_item_count=1)
    genres = ["romance"] * len(ROMANCE) + ["mecha"] * len(MECHA)
    items = pd.DataFrame({"item_id": [*ROMANCE, *MECHA], "genre": genres})
    content = ItemContent.of(items).ordered(ratings.id_map)
    names = ("id_map", "user_ids", "offsets", "items", "feedback", "timestamps")
    return Dataset(*(getattr(ratings, name) for name in names), content)


@pytest.fixture(scope="module")
def fold(world) -> Fold:
    return Fold(world, 0)


def test_ndcg_is_that_of_the_metrics_with_ties_against_us():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 9, (40, 60)).astype(np.float32)
    targets = rng.random((40, 60)) < 0.1
    found = ndcg_rows(torch.from_numpy(scores), torch.from_numpy(targets))
    nothing = np.array([], dtype=np.int64)
    for row, value in enumerate(found):
        padded = np.concatenate([[0], scores[row]]).astype(np.float32)
        marked = np.flatnonzero(targets[row]) + 1
        expected = ndcg(target_ranks(padded, marked, nothing), 20) if len(marked) else np.nan
        np.testing.assert_allclose(value, expected, atol=1e-12)


def test_held_out_people_neither_teach_nor_are_judged(world):
    held_out = set(world.user_ids[Split().holdout_people(world)])
    judged = [Fold(world, number) for number in range(5)]
    n_free = world.n_users - len(held_out)
    assert held_out
    assert sum(len(fold.marks[0]) for fold in judged) == n_free
    for fold in judged:
        assert not held_out & set(fold.learners.user_ids)
        assert len(fold.marks[0]) + fold.learners.n_users == n_free


def test_the_shipped_recipe_scores_as_the_shipped_term(fold):
    term = learn_item_item(fold.learners, ItemItemConfig())
    np.testing.assert_allclose(fold.table(), list_gram(fold.learners))
    reactions = torch.from_numpy(fold._feedback[3])
    rows, columns = reactions.nonzero(as_tuple=True)
    events = columns + 1, reactions[rows, columns], rows
    sparse, spectral = term.scores(*events, len(reactions))
    unknown = ~fold.marks[0]
    torch.testing.assert_close(fold.shipped_sparse[3][unknown], sparse[:, 1:][unknown])
    ours = recipes.spectral(fold)[3]
    torch.testing.assert_close(ours[unknown], spectral[:, 1:][unknown], rtol=1e-3, atol=1e-4)


def test_training_keeps_cut_weights_at_zero(fold, monkeypatch):
    monkeypatch.setattr(recipes, "SHIPPED", ItemItemConfig(neighbours=3))
    seen = []
    monkeypatch.setattr(Fold, "scores", lambda _, weights: seen.append(weights.clone()) or {})
    recipes.gradient(fold, 1e-2, 2)
    start = recipes.kept(fold.shipped_weights, 3)
    assert (seen[0][start == 0] == 0).all()
    assert not torch.equal(seen[0], start)


def test_loves_that_nobody_believes_leave_the_term_as_it_was(fold):
    found = recipes.by_feedback(fold, ridge=1e12)
    plain = recipes.sparse(fold, neighbours=10**6, said=recipes.BINARY)
    for n, scores in found.items():
        torch.testing.assert_close(scores, plain[n], rtol=1e-4, atol=1e-5)
    heard = recipes.by_feedback(fold, ridge=1.0)
    assert not torch.allclose(heard[3], found[3], atol=1e-3)


def test_the_tangent_kernel_is_two_for_equal_lists_and_less_for_others():
    found = recipes.tangent(torch.tensor([1.0, 0.0, -1.0]))
    torch.testing.assert_close(found, torch.tensor([2.0, 1 / torch.pi, 0.0]))


def test_the_command_measures_once_and_writes_every_table(world, tmp_path, capsys, monkeypatch):
    world.save(tmp_path / "data", describe(world))
    (tmp_path / "franchises.json").write_text('[{"name": "a", "anime_ids": [101, 102]}]')
    few = partial(recipes.autoencoder, epochs=1)
    monkeypatch.setattr(recipes, "autoencoder", few)
    arguments = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    arguments += ["--franchises", str(tmp_path / "franchises.json")]
    assert item_item.main(arguments) == 0
    first = capsys.readouterr()
    assert first.out.count("| all told |") == len(recipes.groups()) + 3  # three are mixed too
    assert "nan" not in first.out
    assert item_item.main(arguments) == 0
    again = capsys.readouterr()
    assert again.out == first.out
    assert again.err == ""


def test_data_without_content_is_refused_in_a_sentence(tmp_path, capsys):
    bare = clean([two_tastes()], min_item_count=1)
    bare.save(tmp_path / "data", describe(bare))
    out = ["--out", str(tmp_path / "out")]
    assert item_item.main(["--data", str(tmp_path / "data"), *out]) == 1
    assert "--items" in capsys.readouterr().err
