"""The rules: what each withholds, which card a series has instead, and what is said of a title held back."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.models import Franchise, Genre, Item
from catalog.tests.factories import FranchiseFactory, ItemFactory
from feedback.models import FeedbackType
from recommender.catalogue import Catalogue, catalogue_version, read_catalogue
from recommender.controls import Controls
from recommender.rules import RULES, held_back, may_raise, withheld
from recommender.situation import Situation

pytestmark = pytest.mark.django_db
LIKE, LOVE, DISLIKE = FeedbackType.LIKE, FeedbackType.LOVE, FeedbackType.DISLIKE


def snapshot() -> Catalogue:
    return read_catalogue(catalogue_version())


def cards(situation: Situation) -> list[int]:
    return situation.catalogue.ids_of(~withheld(situation))


def rules_of(situation: Situation, anime_id: int) -> list[str]:
    return [held.rule for held in held_back(situation, anime_id)]


@pytest.fixture
def saga() -> Franchise:
    """Three seasons, a film and a special of one show, whose first season has the highest id; and a loner."""
    saga = FranchiseFactory(name="Saga")
    for pk, name, year, kind in (
        (30, "Saga", 2001, "TV"),
        (10, "Saga Second", 2003, "TV"),
        (20, "Saga Third", 2005, "TV"),
        (40, "Saga the Film", 2004, "Movie"),
        (50, "Saga Extra", 2002, "Special"),
    ):
        ItemFactory(anime_id=pk, name=name, year=year, type=kind, franchise=saga, genres=["Drama"])
    ItemFactory(anime_id=99, name="Loner")
    return saga


def test_it_works(saga: Franchise) -> None:
    situation = Situation(snapshot())
    assert cards(situation) == [30, 99]
    assert situation.label_of(30) == "Start here · 5 entries"
    assert situation.label_of(99) == ""
    assert held_back(situation, 30) == held_back(situation, 99) == held_back(situation, 12345) == []
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_hidden_by_curators(saga: Franchise) -> None:
    situation = Situation(snapshot(), hidden=[99])
    assert cards(situation) == [30]
    assert rules_of(situation, 99) == ["hidden by curators", "the start first"]
    waiting = held_back(situation, 99)[1].sentence
    assert waiting.endswith("; a title that is not shown is where to start.")


def test_where_the_start_is_hidden_the_next_is_the_start(saga: Franchise) -> None:
    assert cards(Situation(snapshot(), hidden=[30])) == [10, 99]


def test_adult_titles_are_off_until_they_are_asked_for(saga: Franchise) -> None:
    Item.objects.get(pk=99).genres.add(Genre.objects.create(name="Hentai", is_adult=True))
    catalogue = snapshot()
    assert cards(Situation(catalogue)) == [30]
    assert rules_of(Situation(catalogue), 99)[0] == "adult titles are off"
    assert cards(Situation(catalogue, shows_adult=True)) == [30, 99]


@pytest.mark.parametrize("said", [LIKE, LOVE, DISLIKE])
def test_already_answered(saga: Franchise, said: FeedbackType) -> None:
    situation = Situation(snapshot(), {99: said})
    assert cards(situation) == [30]
    (held,) = held_back(situation, 99)
    assert (held.rule, held.sentence) == ("already answered", f"You {said.past.lower()} it already.")


def test_set_aside(saga: Franchise) -> None:
    situation = Situation(snapshot(), dismissed=[99])
    assert cards(situation) == [30]
    (held,) = held_back(situation, 99)
    assert (held.rule, held.sentence) == ("set aside", "You put it off, or hid it with its franchise.")
    assert held_back(Situation(snapshot(), watched=[99]), 99)[0].sentence == "You have seen it."


def test_a_start_that_is_set_aside_keeps_its_series_waiting(saga: Franchise) -> None:
    assert cards(Situation(snapshot(), dismissed=[30])) == [99]


def test_seen_without_an_opinion_begins_a_series(saga: Franchise) -> None:
    assert cards(Situation(snapshot(), watched=[30])) == [10, 99]


def test_the_start_first(saga: Franchise) -> None:
    situation = Situation(snapshot())
    for later in (10, 20, 40, 50):
        (held,) = held_back(situation, later)
        assert held.rule == "the start first"
        assert held.sentence == "It belongs to a series you have not begun; Saga is where to start."
        assert held.remedy == "Say what you think of Saga, or that you have seen it."


@pytest.mark.parametrize(
    ("seen", "following"), [((30,), 10), ((30, 10), 20), ((10,), 20), ((20,), 30), ((30, 10, 20), 40)]
)
def test_what_comes_next(saga: Franchise, seen: tuple[int, ...], following: int) -> None:
    situation = Situation(snapshot(), dict.fromkeys(seen, LOVE))
    assert cards(situation) == sorted([following, 99])


def test_a_curiosity_comes_last(saga: Franchise) -> None:
    Item.objects.filter(franchise=saga).update(members=50_000)
    ItemFactory(anime_id=60, name="The Crossover", year=2010, type="TV", franchise=saga, members=700)
    seasons = dict.fromkeys((30, 10, 20), LOVE)
    assert cards(Situation(snapshot(), seasons)) == [40, 99]  # the film that was missed
    assert cards(Situation(snapshot(), seasons | {40: LOVE})) == [50, 99]
    Item.objects.filter(pk=60).update(members=40_000)
    assert cards(Situation(snapshot(), seasons)) == [60, 99]  # another show of the franchise


def test_a_series_that_was_missed_comes_before_a_later_film(saga: Franchise) -> None:
    ItemFactory(anime_id=70, name="Saga Third: Late", year=2011, type="Movie", franchise=saga)
    assert cards(Situation(snapshot(), {20: LOVE})) == [30, 99]
    assert cards(Situation(snapshot(), dict.fromkeys((30, 10, 20), LOVE))) == [70, 99]


def test_a_special_alone_begins_nothing(saga: Franchise) -> None:
    situation = Situation(snapshot(), {50: LOVE})
    assert cards(situation) == [30, 99]
    assert situation.label_of(30) == "Start here · 5 entries"


def test_one_card_a_series(saga: Franchise) -> None:
    situation = Situation(snapshot(), {30: LIKE})
    (held,) = held_back(situation, 20)
    assert held.rule == "one card a series"
    assert held.sentence == "A series has one card, and Saga Second comes first."
    assert situation.label_of(10) == "Next · 5 entries"
    missed = Situation(snapshot(), {20: LIKE})
    assert missed.label_of(30) == "You missed this · 5 entries"


@pytest.mark.parametrize("disliked", [30, 10])
def test_no_sequel_of_a_dislike(saga: Franchise, disliked: int) -> None:
    situation = Situation(snapshot(), {disliked: DISLIKE})
    assert cards(situation) == [99]
    held = held_back(situation, 20)[0]
    name = Item.objects.get(pk=disliked).name
    assert held.rule == "no sequel of a dislike"
    assert held.sentence == f"You disliked {name}, which it belongs to."
    assert held.remedy == f"Take back your dislike of {name}."


def test_of_two_dislikes_the_first_of_the_series_is_named(saga: Franchise) -> None:
    held = held_back(Situation(snapshot(), {10: DISLIKE, 30: DISLIKE}), 20)[0]
    assert held.sentence == "You disliked Saga, which it belongs to."


def test_a_disliked_special_leaves_its_series_alone(saga: Franchise) -> None:
    assert cards(Situation(snapshot(), {50: DISLIKE})) == [30, 99]


def test_your_filters_hold_the_card_and_not_what_it_leads_to(saga: Franchise) -> None:
    catalogue = snapshot()
    drama = Situation(catalogue, controls=Controls(include=("Drama",)))
    assert cards(drama) == [30]
    (held,) = held_back(drama, 99)
    assert (held.rule, held.sentence) == ("your filters", "Your filters leave it out: “Drama”.")
    # The film is no way into a series that was not begun, even to somebody who asks for films.
    assert cards(Situation(catalogue, controls=Controls(types=("Movie",)))) == []
    done = {30: LOVE, 10: LOVE, 20: LOVE}
    assert cards(Situation(catalogue, done, controls=Controls(types=("Movie",)))) == [40]


def test_the_best_of_a_series_raises_its_card(saga: Franchise) -> None:
    catalogue = snapshot()
    pool = catalogue.ids_of(may_raise(Situation(catalogue, {10: LOVE}, dismissed=[40])))
    assert pool == [20, 30, 50, 99]
    assert catalogue.ids_of(may_raise(Situation(catalogue, {10: DISLIKE}))) == [99]


def test_series_are_derived_from_titles_where_no_franchise_is_known() -> None:
    ItemFactory(anime_id=1, name="Code Geass: Hangyaku no Lelouch", year=None)
    ItemFactory(anime_id=2, name="Code Geass: Hangyaku no Lelouch R2", year=None)
    ItemFactory(anime_id=3, name="Another", year=None)
    catalogue = snapshot()
    assert cards(Situation(catalogue)) == [1, 3]
    assert cards(Situation(catalogue, {1: LOVE})) == [2, 3]


def test_order_is_by_id_where_a_year_is_missing(saga: Franchise) -> None:
    Item.objects.filter(pk=50).update(year=None)
    assert cards(Situation(snapshot())) == [10, 99]


def test_what_few_came_by_is_no_place_to_start(saga: Franchise) -> None:
    ItemFactory(anime_id=5, name="Saga Pilot", year=1999, type="Movie", franchise=saga, members=10)
    assert cards(Situation(snapshot())) == [30, 99]
    Item.objects.filter(pk=5).update(members=600)  # others have a thousand: it is as good as they are
    assert cards(Situation(snapshot())) == [5, 99]


def test_a_franchise_of_several_shows_goes_on_with_the_one_that_was_begun() -> None:
    worlds = FranchiseFactory(name="Worlds")
    for pk, name, year in ((1, "Steins Gate", 2011), (2, "Robotics Notes", 2012), (3, "Steins Gate 0", 2018)):
        ItemFactory(anime_id=pk, name=name, year=year, franchise=worlds)
    assert cards(Situation(snapshot(), {1: LOVE})) == [3]
    assert cards(Situation(snapshot(), {2: LOVE})) == [3]  # nothing of its own comes after it


def test_a_snapshot_is_out_of_date_when_a_franchise_goes(saga: Franchise) -> None:
    before = catalogue_version()
    assert catalogue_version() == before
    saga.delete()
    assert catalogue_version() != before


def test_an_empty_catalogue_has_no_cards() -> None:
    situation = Situation(snapshot(), {1: LOVE}, hidden=[2], controls=Controls(year_from=2000))
    assert cards(situation) == []
    assert not np.any(may_raise(situation))
    assert held_back(situation, 1) == []
