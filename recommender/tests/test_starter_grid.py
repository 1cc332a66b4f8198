"""The wall of the first visit: well-known titles, unlike one another, chosen once."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog.models import Franchise, Item
from recommender import serving
from recommender.catalogue import catalogue_version, read_catalogue
from recommender.models import Checkpoint, Preferences
from recommender.start import choices
from recommender.starter_grid import N_STARTERS, starter_grid
from recommender.tests.fixtures import ADULT, BATTLES, HIDDEN, ROMANCES, Promote

START = reverse("recommender:start")


def wall() -> list[int]:
    return [item.pk for item in choices("", adult=False)]


def test_it_works(live: Checkpoint) -> None:
    shown = wall()
    assert len(shown) == len(set(shown)) == N_STARTERS
    assert shown[0] == 1  # the most popular title
    assert not {HIDDEN, ADULT} & set(shown)


def test_it_mixes_tastes_where_popularity_would_not(live: Checkpoint) -> None:
    popular = Item.objects.visible().popular().values_list("pk", flat=True)[:10]
    assert set(popular) < set(ROMANCES)
    first = set(wall()[:10])
    assert min(len(first & set(ROMANCES)), len(first & set(BATTLES))) >= 3


def test_a_franchise_stands_on_it_once(catalogue: None, promote: Promote) -> None:
    franchise = Franchise.objects.create(name="One saga")
    Item.objects.filter(pk__in=[*ROMANCES[:10], *BATTLES[:10]]).update(franchise=franchise)
    promote("first")
    assert len(set(wall()) & {*ROMANCES[:10], *BATTLES[:10]}) == 1


def test_who_asked_for_adult_titles_starts_with_the_same(live: Checkpoint, ann: User, client: Client) -> None:
    Preferences.objects.create(user=ann, show_adult=True)
    client.force_login(ann)
    assert [item.pk for item in client.get(START).context["items"]] == wall()


def test_a_title_that_was_hidden_since_is_not_shown(live: Checkpoint) -> None:
    shown = wall()
    Item.objects.filter(pk=shown[1]).update(is_hidden=True)
    assert wall()[:-1] == [shown[0], *shown[2:]]
    assert len(wall()) == N_STARTERS


def test_a_changed_catalogue_brings_another_wall(live: Checkpoint, settings) -> None:
    settings.CHECKPOINT_POLL_SECONDS = 0
    assert wall()[0] == 1
    battle = Item.objects.get(pk=BATTLES[0])
    battle.members = 9000
    battle.save()
    assert wall()[0] == battle.pk


def test_it_is_not_chosen_for_each_visit(
    live: Checkpoint, client: Client, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries
) -> None:
    client.get(START)
    monkeypatch.setattr(serving, "starter_grid", lambda *_: pytest.fail("chosen anew"))
    with django_assert_max_num_queries(2):  # titles and genres
        client.get(START)


def test_titles_the_ranker_does_not_know_fill_up(live: Checkpoint) -> None:
    ranker = serving.get_ranker().ranker  # type: ignore[union-attr]
    Item.objects.exclude(pk__in=(1, 31, 101)).delete()
    assert starter_grid(read_catalogue(catalogue_version()), ranker) == (1, 31, 101)


def test_without_a_ranker_popular_titles_stand_in(catalogue: None) -> None:
    popular = list(Item.objects.visible().popular().values_list("pk", flat=True)[:N_STARTERS])
    assert wall() == popular
