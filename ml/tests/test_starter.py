"""The checkpoint in ml/starter, with titles everybody knows by their MyAnimeList ids."""

from pathlib import Path

import pytest

from ml.checkpoint import MANIFEST, WEIGHTS
from ml.feedback import Feedback
from ml.history import History
from ml.ranker import Ranker

STARTER = Path(__file__).parents[1] / "starter"
TORADORA, CLANNAD, KIMI_NI_TODOKE, LOVELY_COMPLEX, MAID_SAMA = 4224, 2167, 6045, 2034, 7054
NARUTO, BLEACH, ONE_PIECE = 20, 269, 21
SPIRITED_AWAY, MONONOKE, TOTORO, CASTLE_IN_THE_SKY, KIKI = 199, 164, 523, 513, 512
GUNDAM_WING, EVANGELION, END_OF_EVANGELION = 90, 30, 32


@pytest.fixture(scope="module")
def starter():
    return Ranker.load(STARTER)


def top(starter, history, k=20):
    return [item.item_id for item in starter.rank(history, k)]


def test_it_is_small_enough_to_ship():
    assert sum(file.stat().st_size for file in STARTER.iterdir()) < 20_000_000
    assert {file.name for file in STARTER.iterdir()} == {MANIFEST, WEIGHTS, "id_map.json"}


@pytest.mark.parametrize(
    ("loved", "expected"),
    [
        ((SPIRITED_AWAY, MONONOKE), (TOTORO, CASTLE_IN_THE_SKY, KIKI)),
        ((KIMI_NI_TODOKE, TORADORA), (LOVELY_COMPLEX, MAID_SAMA)),
        ((GUNDAM_WING, EVANGELION), (END_OF_EVANGELION,)),
    ],
)
def test_the_first_page_fits_the_person(starter, loved, expected):
    assert set(expected) <= set(top(starter, History.of(loved, Feedback.LOVE)))


def test_one_love_changes_the_first_page(starter):
    shounen = History.of([NARUTO, BLEACH, ONE_PIECE], Feedback.LOVE)
    before, after = top(starter, shounen), top(starter, shounen.added(KIMI_NI_TODOKE, Feedback.LOVE))
    romance = {TORADORA, CLANNAD, LOVELY_COMPLEX, MAID_SAMA}
    assert len(set(after) - set(before)) >= 3
    assert not romance & set(before)
    assert len(romance & set(after)) >= 2


@pytest.mark.parametrize("title", [TORADORA, NARUTO, SPIRITED_AWAY, GUNDAM_WING])
def test_a_dislike_lowers_similar_titles_and_a_love_raises_them(starter, title):
    history = History.of([1, 1535, 5114, 30], Feedback.LIKE)
    similar = [item.item_id for item in starter.similar(title, 10, exclude=history.item_ids)]

    def mean_score(told):
        scores = {item.item_id: item.score for item in starter.rank(told, 99_999)}
        return sum(scores[item] for item in similar) / len(similar)

    without = mean_score(history)
    assert (
        mean_score(history.added(title, Feedback.DISLIKE))
        < without
        < mean_score(history.added(title, Feedback.LOVE))
    )


def test_the_reason_is_the_title_of_its_kind(starter):
    history = History.of([NARUTO, BLEACH, TORADORA], Feedback.LOVE)
    (causes,) = starter.explain(history, [KIMI_NI_TODOKE])
    assert causes[0].item_id == TORADORA
    assert causes[0].drop > 0
