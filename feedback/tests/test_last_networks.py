"""From which network somebody speaks: noted where they say something, as little of it as will do."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import Item
from catalog.tests.factories import ItemFactory
from feedback import tasks
from feedback.guests import hand_over
from feedback.models import LastNetwork
from feedback.models.networks import pseudonym_of_network
from feedback.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


def love(client: Client, item: Item, address: str) -> None:
    client.post(reverse("feedback:react", args=[item.pk]), {"feedback_type": "3"}, REMOTE_ADDR=address)


def test_it_works(client: Client) -> None:
    love(client, ItemFactory(), "2001:db8:1:2::3")
    row = LastNetwork.objects.get()
    assert row.user == User.objects.get()
    assert row.network == pseudonym_of_network("2001:db8:1:2:ffff::9")
    assert row.network != pseudonym_of_network("2001:db8:1:3::3")
    assert row.seen_on == timezone.localdate()


def test_without_the_secret_it_leads_nowhere(settings) -> None:
    mine = pseudonym_of_network("198.51.100.77")
    settings.SECRET_KEY = "another"
    assert pseudonym_of_network("198.51.100.77") != mine


def test_it_keeps_one_row_a_person_the_last(client: Client) -> None:
    for address in ("198.51.100.1", "198.51.100.2"):
        love(client, ItemFactory(), address)
    assert LastNetwork.objects.get().network == pseudonym_of_network("198.51.100.2")


def test_a_second_reaction_of_the_day_asks_the_database_nothing(client: Client) -> None:
    love(client, ItemFactory(), "198.51.100.1")
    LastNetwork.objects.all().delete()
    love(client, ItemFactory(), "198.51.100.1")
    assert not LastNetwork.objects.exists()
    with time_machine.travel(timezone.now() + timedelta(days=1), tick=True):
        love(client, ItemFactory(), "198.51.100.1")
    assert LastNetwork.objects.exists()


def test_a_forged_header_names_no_other_network(client: Client) -> None:
    client.post(
        reverse("feedback:react", args=[ItemFactory().pk]),
        {"feedback_type": "3"},
        REMOTE_ADDR="198.51.100.1",
        HTTP_X_FORWARDED_FOR="203.0.113.5",
    )
    assert LastNetwork.objects.get().network == pseudonym_of_network("198.51.100.1")


@pytest.mark.parametrize("batch", [False, True])
def test_programs_speak_from_somewhere_too(client: Client, batch: bool) -> None:
    user = UserFactory()
    client.force_login(user)
    said = {"anime_id": ItemFactory().pk, "feedback_type": "love"}
    path = reverse("api:event-batch" if batch else "api:events")
    data = {"events": [said]} if batch else said
    answer = client.post(path, data, content_type="application/json", REMOTE_ADDR="198.51.100.1")
    assert answer.status_code == 201, answer.content
    assert LastNetwork.objects.get(user=user).network == pseudonym_of_network("198.51.100.1")


def test_looking_around_notes_nothing(client: Client) -> None:
    client.get("/")
    assert not LastNetwork.objects.exists()


def test_a_member_keeps_their_own_where_a_guest_comes_along() -> None:
    guest, member = UserFactory(guest=True), UserFactory()
    LastNetwork.objects.note(guest, "198.51.100.1")
    LastNetwork.objects.note(member, "198.51.100.2")
    hand_over(guest, member)
    assert LastNetwork.objects.get().network == pseudonym_of_network("198.51.100.2")


def test_old_ones_are_forgotten(settings) -> None:
    settings.NETWORK_DAYS = 90
    for days in (90, 91):
        with time_machine.travel(timezone.now() - timedelta(days=days)):
            LastNetwork.objects.note(UserFactory(), "198.51.100.1")
    assert tasks.prune_networks() == 1
    assert LastNetwork.objects.count() == 1
