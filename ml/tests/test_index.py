"""The exact and the approximate index, and serving a large catalogue from retrieved titles."""

import json
import logging
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from ml import index, retrieval
from ml.checkpoint import Checkpoint
from ml.config import SASREC_ALONE
from ml.history import History
from ml.id_maps import IdMap
from ml.index import ApproximateIndex, ExactIndex, exact_best, normalised
from ml.item_item import ItemItem
from ml.ranker import Ranker
from ml.retrieval import CANDIDATES, FACTS, Retrieval
from ml.sasrec import SASRec
from ml.tests.conftest import tiny_config

N = 6_000


def clustered(n, width, rng):
    centres = rng.standard_normal((60, width))
    return (centres[rng.integers(0, 60, n)] + 0.5 * rng.standard_normal((n, width))).astype(np.float32)


@pytest.fixture(scope="module")
def vectors():
    return normalised(clustered(N, 16, np.random.default_rng(0)))


@pytest.fixture(scope="module")
def approximate(vectors):
    return ApproximateIndex.build(vectors, vectors[:200])


@pytest.fixture(scope="module")
def large():
    """A checkpoint without an item-item term whose titles lie in clusters; nothing trained it."""
    torch.manual_seed(0)
    config = tiny_config(N)
    weights = SASRec(config).state_dict()
    weights["items.weight"][1:] = torch.from_numpy(clustered(N, 16, np.random.default_rng(1)))
    weights["bias"] = torch.randn(N + 1) * 0.3
    counts = torch.arange(N + 1)
    ids = IdMap(range(10, N + 10))
    return Checkpoint(config, ids, weights, counts, ItemItem.nothing(N), SASREC_ALONE)


@pytest.fixture(scope="module")
def built(large):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retrieval, "EXACT_UP_TO", 1_000)
        yield Retrieval.build(large)


@pytest.fixture
def served(large, built):
    return Ranker(large, built)


HISTORY = History.of([10, 400, 5_000, 77])


def ids(ranked):
    return [item.item_id for item in ranked]


def test_the_exact_index_is_exact(vectors):
    cosines, rows = ExactIndex(3 * vectors).search(2 * vectors[:5], 10)
    expected = np.sort(vectors[:5] @ vectors.T, axis=1)[:, ::-1][:, :10]
    np.testing.assert_allclose(cosines, expected, atol=1e-6)
    assert rows[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_masked_rows_never_come_back(vectors, approximate):
    for found in (ExactIndex(vectors), approximate):
        best = found.search(vectors[:1], 20)[1][0]
        rest = found.search(vectors[:1], 10, masked=best[:10])[1][0]
        assert not set(rest) & set(best[:10])
        assert len(set(rest) & set(best[10:])) >= 8


def test_a_search_for_more_than_there_is_ends_with_minus_one(vectors):
    rows = ExactIndex(vectors[:5]).search(vectors[:1], 9, masked=np.array([1]))[1][0]
    assert sorted(rows.tolist()) == [-1] * 5 + [0, 2, 3, 4]


def test_the_measured_recall_is_that_of_other_queries(vectors, approximate):
    assert approximate.keeps_promise
    others = vectors[200:300]
    assert approximate.recall_of(others, exact_best(vectors, others, 100)) == pytest.approx(
        approximate.recall, abs=0.03
    )
    assert approximate.probes < approximate.ivf.nlist / 4


def test_two_builds_and_two_threads_agree(vectors, approximate):
    again = ApproximateIndex.build(vectors, vectors[:200])
    expected, wrong = approximate.search(vectors[:50], 20)[1], []
    np.testing.assert_array_equal(again.search(vectors[:50], 20)[1], expected)

    def ask():
        wrong.extend(1 for _ in range(20) if (approximate.search(vectors[:50], 20)[1] != expected).any())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_retrieved_titles_rank_as_all_of_them_would(large, served):
    exact = Ranker(large)
    found, wanted = served.rank(HISTORY, 20), exact.rank(HISTORY, 20)
    assert len(set(ids(found)) & set(ids(wanted))) >= 19
    assert not set(ids(found)) & set(HISTORY.item_ids)
    shift = {w.item_id: w.score for w in wanted}  # a log-probability is a logit and a constant of the person
    shifts = [item.score - shift[item.item_id] for item in found if item.item_id in shift]
    np.testing.assert_allclose(shifts, shifts[0], atol=1e-4)


def test_it_goes_deeper_where_the_best_are_hidden(large, served):
    exact = Ranker(large)
    hidden = set(ids(exact.rank(HISTORY, 500)))
    found = ids(served.rank(HISTORY, 20, exclude=hidden))
    assert not set(found) & hidden
    assert len(set(found) & set(ids(exact.rank(HISTORY, 20, exclude=hidden)))) >= 18


def test_it_scans_everything_where_nearly_everything_is_hidden(large, served):
    left = set(large.id_map.ids[::1_500]) - set(HISTORY.item_ids)
    hidden = set(large.id_map.ids) - left
    assert set(ids(served.rank(HISTORY, 20, exclude=hidden))) == left
    assert ids(served.rank(HISTORY, 20, exclude=hidden)) == ids(
        Ranker(large).rank(HISTORY, 20, exclude=hidden)
    )


def test_nobody_known_gets_the_most_popular_of_a_large_catalogue(large, served):
    assert ids(served.rank(History(), 3)) == [N + 9, N + 8, N + 7]
    assert ids(served.rank_many([HISTORY, History.of([5])], 3, exclude={N + 9})[1]) == [N + 8, N + 7, N + 6]


def test_reasons_and_likeness_in_a_large_catalogue(large, served):
    exact = Ranker(large)
    cards = ids(served.rank(HISTORY, 5))
    ours, theirs = (
        [[cause.item_id for cause in causes] for causes in ranker.explain(HISTORY, cards)]
        for ranker in (served, exact)
    )
    assert all(set(causes) == set(HISTORY.item_ids) for causes in ours)
    assert sum(a[0] == b[0] for a, b in zip(ours, theirs, strict=True)) >= 4
    assert len(set(ids(served.similar(400, 20))) & set(ids(exact.similar(400, 20)))) >= 19
    assert 400 not in ids(served.similar(400, 20))


def test_indexes_travel_with_their_checkpoint(large, built, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(retrieval, "EXACT_UP_TO", 1_000)
    large.save(tmp_path / "one")
    with caplog.at_level(logging.WARNING):
        plain = Ranker.load(tmp_path / "one")
    assert "python -m ml.retrieval" in caplog.text
    assert retrieval.main(["--checkpoint", str(tmp_path / "one")]) == 0
    facts = json.loads((tmp_path / "one" / FACTS).read_text())
    assert facts["candidates"]["recall@100"] >= index.PROMISE
    loaded = Ranker.load(tmp_path / "one")
    assert loaded.rank(HISTORY, 20)[0].score != plain.rank(HISTORY, 20)[0].score
    assert loaded.rank(HISTORY, 20) == Ranker(large, built).rank(HISTORY, 20)


def test_indexes_of_other_weights_or_damaged_ones_are_not_used(large, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(retrieval, "EXACT_UP_TO", 1_000)
    saved = large.save(tmp_path / "one")
    Retrieval.build(saved).save(tmp_path / "one")
    assert Retrieval.load(tmp_path / "one", saved) is not None
    assert Retrieval.load(tmp_path / "one", replace(saved, version="other")) is None
    assert "other weights" in caplog.text
    (tmp_path / "one" / CANDIDATES).write_bytes(b"no index")
    assert Retrieval.load(tmp_path / "one", saved) is None


def test_an_index_that_breaks_its_promise_is_not_served(large, tmp_path, monkeypatch):
    monkeypatch.setattr(retrieval, "EXACT_UP_TO", 1_000)
    monkeypatch.setattr(index, "PROMISE", 1.01)
    saved = large.save(tmp_path / "one")
    built = Retrieval.build(saved)
    assert built.candidates is None
    assert "less than promised" in built.facts["candidates"]["reason"]
    built.save(tmp_path / "one")
    assert not (tmp_path / "one" / CANDIDATES).exists()
    ranker, exact = Ranker.load(tmp_path / "one"), Ranker(large)
    assert ranker.rank(HISTORY, 20) == exact.rank(HISTORY, 20)
    assert ranker.similar(400, 20) == exact.similar(400, 20)


def test_a_small_catalogue_needs_no_index(trained, large, capsys, tmp_path):
    assert Retrieval.build(trained) is None
    trained.save(tmp_path / "one")
    assert retrieval.main(["--checkpoint", str(tmp_path / "one")]) == 0
    assert "no index is needed" in capsys.readouterr().out
