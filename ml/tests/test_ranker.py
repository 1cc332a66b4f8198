import math
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from ml.config import SASREC_ALONE, Mix
from ml.feedback import Feedback
from ml.history import History
from ml.ranker import Ranker
from ml.tests.conftest import MECHA, ROMANCE


@pytest.fixture(scope="module")
def ranker(saved):
    return Ranker.load(saved)


def score_of(ranker, history, item_id):
    return {item.item_id: item.score for item in ranker.rank(history, 999)}[item_id]


def test_a_taste_is_recognised(ranker):
    best = ranker.rank(History.of(ROMANCE[:4], Feedback.LOVE), 5)
    assert {item.item_id for item in best} <= set(ROMANCE[4:])
    assert [item.score for item in best] == sorted((item.score for item in best), reverse=True)


def test_the_whole_catalogue_is_ranked_but_for_what_is_masked(ranker):
    history = History.of([*ROMANCE[:4], 4242])
    ranked = ranker.rank(history, 999, exclude={MECHA[0], 777})
    assert {item.item_id for item in ranked} == set(ranker.item_ids) - set(ROMANCE[:4]) - {MECHA[0]}


def test_masking_comes_before_the_choice(ranker):
    history = History.of(ROMANCE[:2])
    top = [item.item_id for item in ranker.rank(history, 5)]
    assert [item.item_id for item in ranker.rank(history, 3, exclude=set(top[:2]))] == top[2:5]


def test_steering_against_popularity_ranks_by_what_the_history_adds(ranker):
    history = History.of(ROMANCE[:3])
    plain = {item.item_id: item.score for item in ranker.rank(history, 999)}
    nobody = {item.item_id: item.score for item in ranker.rank(History(), 999)}
    known = dict(zip(ranker.item_ids, ranker.log_popularity.tolist(), strict=True))
    assert known == pytest.approx(nobody, abs=1e-4)
    ranked = ranker.rank(history, 999, steer=-0.5 * ranker.log_popularity)
    expected = {item_id: score - 0.5 * known[item_id] for item_id, score in plain.items()}
    assert {item.item_id: item.score for item in ranked} == pytest.approx(expected, abs=1e-4)
    assert [item.score for item in ranked] == sorted((item.score for item in ranked), reverse=True)


def test_steering_raises_what_it_favours_and_unmasks_nothing(ranker):
    history = History.of(ROMANCE[:3])
    steer = np.array([50.0 * (item_id in MECHA) for item_id in ranker.item_ids], dtype=np.float32)
    ranked = [item.item_id for item in ranker.rank(history, 5, exclude=MECHA[:2], steer=steer)]
    assert set(ranked) <= set(MECHA[2:])
    assert (
        ranked == [i.item_id for i in ranker.rank(history, 999, exclude=MECHA[:2]) if i.item_id in MECHA][:5]
    )


def test_cosines_are_those_of_similar(ranker):
    near = ranker.similar(MECHA[0], 3)
    ids = [MECHA[0], *(item.item_id for item in near), 4242]
    cosines = ranker.cosines(ids)
    assert cosines[0, :4] == pytest.approx([1.0, *(item.score for item in near)], abs=1e-5)
    assert cosines[4].tolist() == [0.0] * 5
    likeness = dict(zip(ranker.item_ids, ranker.likeness([MECHA[0]])[:, 0].tolist(), strict=True))
    assert [likeness[item.item_id] for item in near] == pytest.approx([i.score for i in near], abs=1e-5)
    assert not ranker.likeness([4242]).any()
    both = ranker.likeness([MECHA[0], 4242])
    assert both.shape == (len(ranker.item_ids), 2)
    assert not both[:, 1].any()


def test_unknown_titles_change_nothing(ranker):
    history = History.of(ROMANCE[:3])
    assert ranker.rank(history.added(4242, Feedback.LOVE), 5) == ranker.rank(history, 5)
    assert not ranker.knows(4242)
    assert ranker.knows(ROMANCE[0])


@pytest.mark.parametrize("history", [History(), History.of([4242])])
def test_nothing_known_gives_the_most_popular(ranker, trained, history):
    ranked = ranker.rank(history, 5)
    counts = [int(trained.item_counts[trained.id_map.index_of(item.item_id)]) for item in ranked]
    assert counts == sorted(trained.item_counts.tolist(), reverse=True)[:5]
    assert ranker.explain(history, [ROMANCE[0]]) == [[]]


def test_somebody_who_has_seen_everything_gets_nothing(ranker):
    assert ranker.rank(History.of(ranker.item_ids), 5) == []
    assert ranker.rank(History(), 5, exclude=set(ranker.item_ids)) == []


def test_k_below_one_is_refused(ranker):
    with pytest.raises(ValueError, match="at least 1"):
        ranker.rank(History(), 0)


def test_many_people_are_ranked_as_one_by_one(ranker):
    people = [History.of(ROMANCE[:n]) for n in (5, 1, 3)] + [History(), History.of(MECHA)]
    together = ranker.rank_many(people, 5)
    for history, ranked in zip(people, together, strict=True):
        alone = ranker.rank(history, 5)
        assert [item.item_id for item in ranked] == [item.item_id for item in alone]
        assert [item.score for item in ranked] == pytest.approx([item.score for item in alone], abs=1e-5)


def test_scores_mask_padding_and_the_history(ranker):
    scores = ranker.scores([History.of(ROMANCE[:2])])
    assert scores.shape == (1, 31)
    assert (scores[0, [0, 1, 2]] == -float("inf")).all()


def test_removing_a_stated_cause_lowers_the_score_by_its_drop(trained):
    # explain holds the weights of the parts fixed, so rank must too: the same ones at every length
    ranker = Ranker(replace(trained, mix=Mix((0.0,), (0.6,), (3.0,), (20.0,))))
    history = History.of(ROMANCE[:3]).added(MECHA[0], Feedback.DISLIKE)
    target = ROMANCE[7]
    causes = ranker.explain(history, [target])[0]
    assert {cause.item_id for cause in causes} == set(history.item_ids)
    assert [cause.drop for cause in causes] == sorted((cause.drop for cause in causes), reverse=True)
    best = causes[0]
    assert best.item_id in ROMANCE
    assert best.feedback == Feedback.LIKE
    without = history.without(history.item_ids.index(best.item_id))
    before = score_of(ranker, history, target)
    after = {i.item_id: i.score for i in ranker.rank(without, 999, exclude={best.item_id})}[target]
    assert before - after > 0
    # rank's scores are normalised over the removed title too: its share of the probability is the difference
    removed = score_of(ranker, without, best.item_id)
    assert best.drop == pytest.approx(before - after - _log_rest(removed), abs=1e-4)


def _log_rest(log_share):
    return -math.log1p(-math.exp(log_share))


def test_titles_without_a_reason_get_none(ranker):
    history = History.of(ROMANCE[:3])
    assert ranker.explain(history, [4242, ROMANCE[0]]) == [[], []]
    assert ranker.explain(history, []) == []


def test_one_event_is_explained_against_popularity(ranker):
    (causes,) = ranker.explain(History.of(ROMANCE[:1]), [ROMANCE[1]])
    assert len(causes) == 1
    assert causes[0].drop > 0


def test_of_a_long_set_the_events_most_like_the_title_are_tried(ranker, monkeypatch):
    monkeypatch.setattr("ml.explaining.MAX_CAUSES", 6)
    history = History.of([*ROMANCE[:8], *MECHA[:8]])
    romance, mecha = ranker.explain(history, [ROMANCE[9]])[0], ranker.explain(history, [MECHA[9]])[0]
    assert len(romance) == len(mecha) == 6
    assert {cause.item_id for cause in romance} <= set(ROMANCE)
    assert {cause.item_id for cause in mecha} <= set(MECHA)


def test_of_a_long_ordered_history_too_and_the_newest_of_equals(ranker, trained, monkeypatch):
    monkeypatch.setattr("ml.explaining.MAX_CAUSES", 3)
    told = (*ROMANCE[:3], *MECHA[:3])
    history = History(told, (2,) * 6, tuple(float(t) for t in range(6)))
    assert {cause.item_id for cause in ranker.explain(history, [ROMANCE[9]])[0]} == set(ROMANCE[:3])
    sasrec = Ranker(replace(trained, mix=SASREC_ALONE))  # here no event says more than another
    assert {cause.item_id for cause in sasrec.explain(history, [ROMANCE[9]])[0]} == set(MECHA[:3])


def test_a_dislike_lowers_similar_titles(ranker):
    start = History.of([ROMANCE[0], MECHA[0]])
    lead = {}
    for feedback in (Feedback.LIKE, Feedback.DISLIKE):
        history = start.added(ROMANCE[1], feedback)
        romance = sum(score_of(ranker, history, item) for item in ROMANCE[2:])
        lead[feedback] = romance - sum(score_of(ranker, history, item) for item in MECHA[2:])
    assert lead[Feedback.DISLIKE] < 0 < lead[Feedback.LIKE]


def test_similar_titles_are_of_a_kind(ranker):
    similar = ranker.similar(MECHA[0], 5, exclude={MECHA[1]})
    assert len(similar) == 5
    assert {item.item_id for item in similar} <= set(MECHA) - {MECHA[0], MECHA[1]}
    assert ranker.similar(4242, 5) == []


def test_threads_share_a_ranker(ranker):
    history = History.of(ROMANCE[:5])
    expected, wrong = ranker.rank(history, 5), []

    def ask():
        wrong.extend(answer for answer in (ranker.rank(history, 5) for _ in range(20)) if answer != expected)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_serving_does_not_load_the_reader():
    code = "import sys, ml.ranker; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_serving_does_not_load_the_compiler(saved):
    """PyTorch imports it for the shapes of a model alone: two seconds, and 70 MB in every web worker."""
    code = "import sys; from ml.ranker import Ranker; ranker = Ranker.load(sys.argv[1]); "
    code += "sys.exit('sympy' in sys.modules or 'torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, str(saved)], check=False).returncode == 0


def test_titles_asked_about_are_tried_too(ranker, monkeypatch):
    monkeypatch.setattr("ml.explaining.MAX_CAUSES", 2)
    items = (*ROMANCE[:4], *MECHA[:4])
    history = History(items, (Feedback.LOVE,) * 8, tuple(1.7e9 + hour * 3600 for hour in range(8)))
    few = ranker.explain(history, [ROMANCE[9]])[0]
    more = ranker.explain(history, [ROMANCE[9]], also=[MECHA[1], 4242])[0]
    assert {cause.item_id for cause in more} == {cause.item_id for cause in few} | {MECHA[1]}
    assert {c.item_id: c.drop for c in more}[few[0].item_id] == pytest.approx(few[0].drop, abs=1e-4)
