"""Whether stated causes matter more than random events, by a full second scoring."""

import numpy as np
import pytest

from ml.faithfulness import TITLES, faithfulness, fallen
from ml.feedback import Feedback
from ml.history import History
from ml.ranker import Ranker
from ml.tests.conftest import MECHA, ROMANCE

PEOPLE = [History.of([*ROMANCE[n : n + 3], *MECHA[n : n + 3]], Feedback.LOVE) for n in range(8)]


@pytest.fixture
def ranker(trained):
    return Ranker(trained)


def test_it_works(ranker):
    found = faithfulness(ranker, PEOPLE, lambda causes: causes[:1])
    assert found.people == len(PEOPLE)
    assert found.reasons == len(PEOPLE) * TITLES
    assert 0.7 < found.low <= found.rate <= found.high <= 1
    assert found.drop > found.random_drop
    assert found == faithfulness(ranker, PEOPLE, lambda causes: causes[:1])


def test_the_opposite_of_the_truth_is_found_out(ranker):
    liar = faithfulness(ranker, PEOPLE, lambda causes: causes[::-1])
    assert liar.high < 0.3
    assert liar.drop < liar.random_drop


def test_a_random_cause_is_half_the_time_above_a_random_event(ranker):
    rng = np.random.default_rng(0)
    found = faithfulness(ranker, PEOPLE * 5, lambda causes: [causes[rng.integers(len(causes))]])
    assert found.low < 0.5 < found.high or abs(found.rate - 0.5) < 0.1


@pytest.mark.parametrize(
    "people", [[], [History()], [History.of(ROMANCE[:2])], [History.of([4242, *ROMANCE[:2]])]]
)
def test_histories_too_short_to_compare_say_nothing(ranker, people):
    assert faithfulness(ranker, people, lambda causes: causes[:1]) is None


def test_where_no_reason_is_stated_there_is_no_figure(ranker):
    assert faithfulness(ranker, PEOPLE, lambda _: []) is None


def test_a_fall_is_that_of_a_full_scoring_over_the_same_titles(ranker):
    history = History.of([*ROMANCE[:3], MECHA[0]], Feedback.LOVE)
    (falls,) = fallen(ranker, history, [ROMANCE[9], MECHA[9]], [1])
    outside = [item for item in ranker.item_ids if item not in history.item_ids]
    columns = ranker.id_map.indices_of(outside)
    whole, without = (
        ranker.scores([each])[0][columns].astype(np.float64) for each in (history, history.without(1))
    )
    normal = [scores - np.log(np.exp(scores).sum()) for scores in (whole, without)]
    place = [outside.index(ROMANCE[9]), outside.index(MECHA[9])]
    assert falls == pytest.approx((normal[0] - normal[1])[place], abs=1e-5)
