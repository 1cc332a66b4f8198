import json
from dataclasses import replace

import numpy as np
import pytest

from ml import dislikes
from ml.config import SASREC_ALONE
from ml.data import clean, describe
from ml.dislikes import report, responses, shown_rates, verdicts
from ml.feedback import Feedback
from ml.history import History
from ml.protocols import fold_in
from ml.ranker import Ranker
from ml.splits import Split
from ml.tests.conftest import MECHA, ROMANCE, TINY, tiny_config, two_tastes
from ml.training import train


@pytest.mark.parametrize("alone", [True, False])  # SASRec alone, and with the item-item term
@pytest.mark.parametrize("kind", [ROMANCE, MECHA])
def test_a_dislike_lowers_titles_like_it(trained, kind, alone):
    ranker = Ranker(replace(trained, mix=SASREC_ALONE) if alone else trained)
    other = MECHA if kind == ROMANCE else ROMANCE
    history = History.of([*other[:2], kind[0]])
    like_it = kind[5:]

    def mean_score(told):
        return ranker.scores([told])[0, ranker.id_map.indices_of(like_it)].mean()

    without = mean_score(history)
    disliked = mean_score(history.added(kind[1], Feedback.DISLIKE))
    assert disliked < without
    assert disliked < mean_score(history.added(kind[1], Feedback.LIKE))


def test_responses_are_measured_person_by_person(trained):
    people = clean([two_tastes(30, seed=4).assign(feedback=np.int8(2))], min_item_count=1)
    ranker = Ranker(replace(trained, mix=SASREC_ALONE))
    assert not len(responses(ranker, fold_in(people)))  # seven titles known, ten needed
    cases = [replace(case, known=longer(case.known)) for case in fold_in(people)]
    moved = responses(ranker, cases)
    assert moved.shape == (30, 2)
    assert moved[:, 1].mean() < 0


def longer(known):
    more = [i for i in (*ROMANCE, *MECHA) if i not in known.item_ids][:6]
    return History.of((*known.item_ids, *more))


def test_verdicts_are_those_of_the_held_out_titles():
    table = two_tastes(40, seed=6)
    people = clean([table], min_item_count=1)
    said = {(row.user_id, row.item_id): row.feedback for row in table.itertuples()}
    cases = fold_in(people)
    for user, case, verdict in zip(people.user_ids, cases, verdicts(people, cases), strict=True):
        told = {i: said[str(user), i] for i in case.targets}
        assert set(verdict.disliked) == {i for i, f in told.items() if f == 1}
        assert set(verdict.liked) == {i for i, f in told.items() if f in (2, 3)}


def test_rates_compare_titles_of_equal_popularity_only():
    counts = np.array([0, 100, 110, 90, 10, 100])
    top = np.array([[1, 2, 4], [3, 4, 5]])
    # 1 is shown; of its peers 2 is and 3 is not; 4 is far less popular. The second person has no peer.
    rates = shown_rates(
        top, [np.array([1]), np.array([4])], [np.array([2, 3, 4]), np.array([5])], item_counts=counts
    )
    assert rates.tolist() == [[1.0, 0.5]]
    assert shown_rates(top, [np.array([], int)] * 2, [np.array([2])] * 2, counts).shape == (0, 2)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dislikes")
    dataset = clean([two_tastes(240)], min_item_count=1)
    dataset.save(folder / "data", describe(dataset))
    config = replace(TINY, epochs=8, split=Split(0.3, 0.0))
    checkpoint = train(dataset, tiny_config(dataset.n_items), config, "cpu")
    checkpoint.save(folder / "it")
    return folder, checkpoint, dataset


def test_disliked_titles_are_shown_less_than_liked_ones_as_popular(measured):
    _, checkpoint, dataset = measured
    people = dataset.people(checkpoint_split(checkpoint).holdout_people(dataset))
    ranker = Ranker(checkpoint)
    cases = fold_in(people)
    found = verdicts(people, cases)
    shown = np.array([ranker.id_map.indices_of([r.item_id for r in ranker.rank(c.known, 8)]) for c in cases])
    sides = [[ranker.id_map.indices_of(getattr(v, name)) for v in found] for name in ("disliked", "liked")]
    disliked, liked = shown_rates(shown, *sides, checkpoint.item_counts.numpy()).mean(0)
    assert disliked < 0.5 * liked


def checkpoint_split(checkpoint):
    return Split(**checkpoint.training["split"])


def test_the_command_prints_and_writes_its_figures(measured, capsys, tmp_path):
    folder, checkpoint, dataset = measured
    told = ["--data", str(folder / "data"), "--checkpoint", str(folder / "it")]
    assert dislikes.main([*told, "--json", str(tmp_path / "it.json")]) == 0
    assert "all told          disliked@20" in capsys.readouterr().out
    people = dataset.people(checkpoint_split(checkpoint).holdout_people(dataset))
    assert json.loads((tmp_path / "it.json").read_text()) == json.loads(
        json.dumps(report(checkpoint, people))
    )
    assert dislikes.main([*told, "--sasrec-alone"]) == 0


def test_data_it_was_not_trained_on_is_refused(measured, capsys, tmp_path):
    folder, _, _ = measured
    other = clean([two_tastes(60, seed=9)], min_item_count=1)
    other.save(tmp_path / "data", describe(other))
    assert dislikes.main(["--data", str(tmp_path / "data"), "--checkpoint", str(folder / "it")]) == 1
    assert "was trained on other data" in capsys.readouterr().err
