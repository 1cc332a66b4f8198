"""Kinds of targets: by popularity and by franchise; novelty."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.baselines import Popularity
from ml.data import clean
from ml.history import History
from ml.id_maps import IdMap
from ml.metrics import novelty, places, ranks, target_ranks
from ml.protocols import Case, examine
from ml.strata import Titles, strata
from ml.tests.conftest import MECHA, ROMANCE, two_tastes


def test_each_stratum_has_a_third_of_the_events():
    counts = np.array([0, 30, 30, 10, 10, 10, 5, 5, 0])  # 100 events; index 0 is padding
    assert strata(counts).tolist() == [-1, 0, 0, 1, 2, 2, 2, 2, 2]


def test_information_is_the_bits_of_a_titles_share():
    world = clean([two_tastes(64)], min_item_count=1)
    titles = Titles.of(world)
    counts = world.item_counts()
    assert titles.information[1:] == pytest.approx(-np.log2(counts[1:] / 64))
    top = np.array([[1, 2], [2, 3]])
    expected = titles.information[top].mean(1)
    assert novelty(top, titles.information).tolist() == expected.tolist()


def test_ranks_from_places_are_those_of_the_definition():
    """Against `target_ranks` by brute force, with many ties."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        scores = rng.integers(0, 5, 30).astype(np.float32)
        drawn = rng.permutation(np.arange(1, 30))
        targets, masked = drawn[:6], drawn[6:10]
        others = np.setdiff1d(np.arange(1, 30), np.concatenate([targets, masked]))
        wanted = np.sort(scores[targets])[::-1]
        expected = [(scores[others] >= s).sum() + i for i, s in enumerate(wanted, start=1)]
        assert target_ranks(scores, targets, masked).tolist() == expected
        subset = places(scores, targets, masked)[:3]
        rest = np.concatenate([others, targets[3:]])
        chosen = np.sort(scores[targets[:3]])[::-1]
        expected = [(scores[rest] >= s).sum() + i for i, s in enumerate(chosen, start=1)]
        assert ranks(subset).tolist() == expected


@pytest.fixture(scope="module")
def world():
    return clean([two_tastes()], min_item_count=1)


def examined(world, known, targets, franchises):
    case = Case(History.of(known), tuple(targets), ())
    titles = Titles.of(world, franchises)
    return examine(Popularity(world), [case], None, (1, 20), titles)


def test_a_target_of_a_known_franchise_is_dropped_and_its_siblings_do_not_compete(world):
    popular = [world.id_map.id_of(int(i)) for i in np.argsort(-world.item_counts()[1:]) + 1]
    known, sibling, new = popular[5], popular[0], popular[1]
    franchises = {known: "a", sibling: "a", popular[2]: "b"}
    values = examined(world, [known], [sibling, new], franchises).values
    assert values["recall@1"].tolist() == [1.0]  # the sibling is the most popular title
    assert values["new ndcg@1"].tolist() == [1.0]  # without it the other target is
    only = examined(world, [known], [sibling], franchises).values
    assert "new ndcg@1" not in only  # nothing is left to ask
    assert examined(world, [known], [new], franchises).values["recall@1"].tolist() == [0.0]


def test_targets_are_sorted_by_stratum_but_ranked_among_all(world):
    order = np.argsort(-world.item_counts()[1:], kind="stable") + 1
    head, tail = (world.id_map.id_of(int(order[place])) for place in (0, -1))
    known = world.id_map.id_of(int(order[15]))
    values = examined(world, [known], [head, tail], {}).values
    assert values["head ndcg@1"].tolist() == [1.0]
    assert values["tail ndcg@1"].tolist() == [0.0]
    assert "middle ndcg@1" not in values


def test_the_lists_shown_are_the_top_titles_without_the_known(world):
    order = np.argsort(-world.item_counts()[1:], kind="stable") + 1
    known = world.id_map.id_of(int(order[0]))
    measured = examined(world, [known], [ROMANCE[0], MECHA[0]], {})
    counts = world.item_counts()
    assert counts[measured.shown[0]].tolist() == counts[order[1:21]].tolist()
    assert order[0] not in measured.shown[0]
    assert measured.values["novelty@20"] == pytest.approx(
        -np.log2(counts[order[1:21]] / world.n_users).mean()
    )


class InOrder:
    """A ranker that likes titles the less, the higher their id."""

    id_map = IdMap(range(1, 31))

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        return np.tile(-np.arange(31, dtype=np.float32), (len(histories), 1))


def test_only_the_titles_shown_together_compete():
    def ndcg_among(*titles: int) -> float:
        case = Case(History.of([20]), (11,), (), among=titles)
        return float(examine(InOrder(), [case], None, (20,)).values["ndcg@20"][0])

    assert ndcg_among(11, 12, 13) == 1.0
    assert ndcg_among(12, 13) == 1.0  # the target competes, named or not
    assert ndcg_among(1, 2, 3, 12, 123_456, 20) == pytest.approx(1 / np.log2(2 + 3))
    assert ndcg_among() == pytest.approx(1 / np.log2(2 + 10))
