"""Who teaches a run, and who judges it."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from feedback.exporting import pseudonym_of
from feedback.models import Event, FeedbackType
from feedback.teaching import let_teach
from ml.data import Dataset
from ml.splits import user_fractions
from recommender import impressions, training_data
from recommender.impressions import Showing
from recommender.tests.fixtures import BATTLES, NEWCOMERS, ROMANCES, say, say_over_days
from recommender.training_data import (
    SITE_HELD_OUT,
    Material,
    choose_people,
    material,
    panels_of,
    references_of,
)

KNOWN = (*ROMANCES, *BATTLES)


@pytest.fixture
def crowd(catalogue: None, settings) -> list[User]:
    """Forty people with eight titles each, one a day; the same four are held out in every test."""
    settings.SECRET_KEY = "the names that stand for people follow from it"
    people = [User.objects.create_user(f"person-{number}", pk=1000 + number) for number in range(40)]
    for person in people:
        say_over_days(person, ROMANCES[5:13], FeedbackType.LIKE)
    return people


def gathered(after: int = 0) -> Material:
    extent = after, Event.objects.latest("pk").pk
    return training_data.gather(KNOWN, extent, choose_people(*extent, 5_000))


def names(dataset: Dataset) -> set[str]:
    return set(dataset.user_ids.tolist())


def held(person: User) -> bool:
    return user_fractions(np.array([pseudonym_of(person.pk)]))[0] < SITE_HELD_OUT


def test_it_works(crowd: list[User]) -> None:
    before = Event.objects.latest("pk").pk
    fresh = [person for person in crowd if not held(person)][:3]
    for person in fresh:
        say(person, BATTLES[10])
    data = gathered(before)
    assert names(data.news) == names(data.newest) == {pseudonym_of(person.pk) for person in fresh}
    assert names(data.held_site) == {pseudonym_of(person.pk) for person in crowd if held(person)}
    assert len(names(data.replay)) == 40 - 3 - len(names(data.held_site))
    assert not names(data.held_ratings)
    assert data.news.lengths.tolist() == [8, 8, 8]  # the newest of nine is held out
    panels = {panel.name: panel for panel in panels_of(data)}
    newest = next(panel for name, panel in panels.items() if "newest" in name)
    assert [case.targets for case in newest.cases] == [(BATTLES[10],)] * 3
    assert references_of(data)["EASE"].id_map.ids == data.news.id_map.ids


def test_the_newest_reaction_competes_with_what_was_shown_beside_it(crowd: list[User]) -> None:
    before = Event.objects.latest("pk").pk
    saw, searched, saw_little = [person for person in crowd if not held(person)][:3]
    shown = (*BATTLES[:5], BATTLES[10])
    other_day = timezone.now() - timedelta(days=3)
    impressions.save([Showing(saw.pk, "first", 0, tuple(ROMANCES[20:28]), other_day)])
    for person, items in ((saw, shown), (saw_little, shown[-2:])):
        impressions.save([Showing(person.pk, "first", 0, tuple(items), timezone.now())])
    for person in (saw, searched, saw_little):
        say(person, BATTLES[10])
    data = gathered(before)
    newest = next(panel for panel in panels_of(data) if "newest" in panel.name)
    among = dict(zip(data.newest.user_ids.tolist(), (set(case.among) for case in newest.cases), strict=True))
    assert among == {
        pseudonym_of(saw.pk): set(shown),
        pseudonym_of(searched.pk): set(),
        pseudonym_of(saw_little.pk): set(),
    }


def test_nobody_held_out_ever_teaches(crowd: list[User]) -> None:
    data = gathered()
    teachers = names(data.news) | names(data.replay)
    assert teachers
    assert names(data.held_site)
    assert not any(user_fractions(np.array(sorted(teachers))) < SITE_HELD_OUT)


def test_who_opts_out_or_leaves_is_gone_from_the_next_run(crowd: list[User]) -> None:
    quiet, gone = [person for person in crowd if not held(person)][:2]
    assert {pseudonym_of(quiet.pk), pseudonym_of(gone.pk)} <= names(gathered().news)
    let_teach(quiet, allowed=False)
    name = pseudonym_of(gone.pk)
    gone.delete()
    data = gathered()
    everybody = names(data.news) | names(data.replay) | names(data.held_site) | names(data.newest)
    assert not {pseudonym_of(quiet.pk), name} & everybody
    assert len(everybody) == 38


def test_a_title_needs_enough_people_for_a_row(crowd: list[User]) -> None:
    few, many = NEWCOMERS[0], NEWCOMERS[1]
    for person in crowd[: training_data.FEWEST_PEOPLE]:
        say(person, many)
    for person in crowd[: training_data.FEWEST_PEOPLE - 1]:
        say(person, few)
    ids = gathered().news.id_map.ids
    assert many in ids
    assert few not in ids


def test_bootstrap_ratings_teach_and_judge(crowd: list[User], settings, tmp_path) -> None:
    ratings = tmp_path / "rating.csv"
    lines = [f"{person},{item},9" for person in range(300) for item in ROMANCES[person % 10 :][:12]]
    ratings.write_text("user_id,anime_id,rating\n" + "\n".join(lines))
    settings.RATINGS_CSV = str(ratings)
    data = gathered()
    assert names(data.held_ratings)
    assert len(names(data.held_ratings)) + len([n for n in names(data.replay) if n.isdigit()]) == 300
    assert all(user_fractions(np.array(sorted(names(data.held_ratings)))) < training_data.RATINGS_HELD_OUT)


def test_a_run_that_is_taken_over_has_the_same_data(crowd: list[User], tmp_path) -> None:
    extent = 0, Event.objects.latest("pk").pk
    first = material(tmp_path, KNOWN, extent, whole=False)
    crowd[-1].delete()
    again = material(tmp_path, KNOWN, extent, whole=False)
    assert again.news.fingerprint == first.news.fingerprint
    (tmp_path / "data" / "news" / "items.npy").write_bytes(b"cut short")
    anew = material(tmp_path, KNOWN, extent, whole=False)
    assert len(names(anew.news) | names(anew.held_site)) == 39


def test_the_log_is_read_in_a_bounded_number_of_queries(
    crowd: list[User], django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(16):
        gathered()
