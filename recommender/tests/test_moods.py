"""Moods: what they add to the score of which title."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.tests.factories import ItemFactory
from recommender.catalogue import Catalogue, catalogue_version, read_catalogue
from recommender.models import Checkpoint
from recommender.moods import IS_LIKE, IS_NEAR, SUITS, genre_cosines, offered, steer_of
from recommender.serving import LiveRanker, live_ranker
from recommender.tests.fixtures import BATTLES, NEWCOMERS, ROMANCES


@pytest.fixture
def ranker(live: Checkpoint) -> LiveRanker:
    return live_ranker(live)


def steer(catalogue: Catalogue, live: LiveRanker | None, *moods: str, like=None, near=()) -> dict[int, float]:
    """Return what is added to each title, by its id."""
    added = steer_of(moods, like, near, catalogue, live)
    return dict(zip(catalogue.ids.tolist(), np.asarray(added).tolist(), strict=True))


def test_a_mood_adds_the_same_to_all_that_suits_it_and_nothing_to_the_rest(catalogue: None) -> None:
    facts = read_catalogue(catalogue_version())
    added = steer(facts, None, "cry")
    assert {added[pk] for pk in ROMANCES} == {SUITS}
    assert {added[pk] for pk in (*BATTLES, *NEWCOMERS)} == {0.0}
    assert steer_of((), None, (), facts, None) is None


def test_two_moods_are_no_stronger_than_one(catalogue: None) -> None:
    added = steer(read_catalogue(catalogue_version()), None, "cry", "fight")
    assert {added[pk] for pk in (*ROMANCES, *BATTLES)} == {SUITS / 2}


def test_moods_that_nothing_suits_are_not_offered(catalogue: None) -> None:
    assert offered(read_catalogue(catalogue_version())) == ["cry", "fight"]


@pytest.mark.parametrize("known", [True, False], ids=["by the model", "by genres"])
def test_more_like_a_title_raises_its_kin_and_not_itself(ranker: LiveRanker, known: bool) -> None:
    added = steer(ranker.catalogue, ranker if known else None, like=10)
    assert added[10] == 0.0
    romances, battles = ([added[pk] for pk in pks if pk != 10] for pks in (ROMANCES, BATTLES))
    assert np.mean(romances) > np.mean(battles) + 1
    assert 1 < max(romances) <= IS_LIKE * 1.0001
    assert min(added.values()) >= 0.0  # nothing is lowered for being unlike it


def test_what_a_region_is_made_of_is_itself_what_is_asked_for(ranker: LiveRanker) -> None:
    added = steer(ranker.catalogue, ranker, near=(10, 40))
    assert (added[10], added[40]) == (pytest.approx(IS_NEAR), pytest.approx(IS_NEAR))
    assert min(added.values()) >= 0.0
    assert added[NEWCOMERS[-1]] == 0.0  # of which the model knows nothing
    one, other = (steer(ranker.catalogue, ranker, near=(pk,)) for pk in (10, 40))
    assert added[20] == pytest.approx(max(one[20], other[20]))


def test_a_title_unknown_to_the_model_is_likened_by_genres(ranker: LiveRanker) -> None:
    added = steer(ranker.catalogue, ranker, like=NEWCOMERS[0])
    assert added[NEWCOMERS[0]] == 0.0
    assert [added[pk] for pk in (*BATTLES[:4], *NEWCOMERS[1:])] == pytest.approx([IS_LIKE] * 13)
    assert {added[pk] for pk in ROMANCES} == {0.0}


def test_titles_are_alike_by_the_genres_they_share(db: None) -> None:
    for anime_id, genres in ((1, ["Romance", "Action"]), (2, ["Romance"]), (3, [])):
        ItemFactory(anime_id=anime_id, genres=genres)
    facts = read_catalogue(catalogue_version())
    found = genre_cosines(facts, np.arange(3), np.array([1, 0]))
    half = 1 / np.sqrt(2)
    np.testing.assert_allclose(found, [[half, 1.0], [1.0, half], [0.0, 0.0]], atol=1e-6)
