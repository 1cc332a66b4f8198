"""Anybody's list by two rankers, for those who may see it; and who looked is noted."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from feedback.models import FeedbackType
from feedback.tests.factories import UserFactory
from recommender.models import Checkpoint
from recommender.tests.fixtures import ROMANCES, say

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(live, promote):
    """An earlier checkpoint beside the champion."""
    promote("second")
    return Checkpoint.objects.get(version="first")


def page(checkpoint):
    return reverse("admin:recommender_checkpoint_compare", args=[checkpoint.pk])


@pytest.fixture
def operator(client):
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_checkpoint", "compare_lists"]))
    client.force_login(user)
    return user


def said(response):
    return [str(message) for message in response.context["messages"]]


def test_it_works(client, operator, other, ann):
    for anime_id in ROMANCES[:4]:
        say(ann, anime_id, FeedbackType.LOVE)
    asked = client.get(page(other))
    assert asked.context["champion"] == "second"
    assert not LogEntry.objects.exists()

    shown = client.post(page(other), {"person": "ann"})

    lists = shown.context["lists"]
    assert len(lists.places) == 20
    assert lists.personal
    assert 0 < lists.overlap <= 20
    seen = {f"No {anime_id:03} Show" for anime_id in ROMANCES[:4]}
    assert not seen & {place.left for place in lists.places} | seen & {place.right for place in lists.places}
    assert lists.places[0].left in shown.text
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (operator, str(ann.pk))
    assert entry.change_message == "Looked at their lists by second and first."


def test_the_champion_beside_itself_changes_nothing(client, operator, live, ann):
    say(ann, ROMANCES[0])
    lists = client.post(page(live), {"person": str(ann.pk)}).context["lists"]
    assert lists.overlap == 20
    assert not any(place.moved for place in lists.places)


def test_of_somebody_unknown_both_show_what_is_popular(client, operator, other, ann):
    lists = client.post(page(other), {"person": "ann"}).context["lists"]
    assert not lists.personal
    assert lists.overlap == 20


@pytest.mark.parametrize("person", ["", "nobody", "9" * 30, "²", "1 or 1=1"])
def test_it_refuses_who_is_not_here(client, operator, other, person):
    response = client.post(page(other), {"person": person})
    assert said(response) == ["There is nobody with this name, address or number."]
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(("may_see_people", "found"), [(False, False), (True, True)])
def test_an_address_finds_somebody_for_those_alone_who_may_see_it(
    client, operator, live, ann, may_see_people, found
):
    type(ann).objects.filter(pk=ann.pk).update(email="ann@green.example")
    if may_see_people:
        operator.user_permissions.add(Permission.objects.get(codename="view_user"))
    response = client.post(page(live), {"person": "ANN@green.example"})
    assert ("lists" in response.context) is found


def test_it_says_what_does_not_load(client, operator, live, ann):
    broken = Checkpoint.objects.create(version="broken", state="rejected")
    assert said(client.post(page(broken), {"person": "ann"}))[0].startswith("broken does not load:")
    assert client.get(reverse("admin:recommender_checkpoint_compare", args=[999])).status_code == 404


def test_without_a_champion_it_says_so(client, operator, catalogue, ann):
    lonely = Checkpoint.objects.create(version="lonely")
    assert "No checkpoint is live" in said(client.post(page(lonely), {"person": "ann"}))[0]


@pytest.mark.parametrize("code", ["view_checkpoint", "compare_lists"])
def test_it_requires_both_permissions(client, operator, other, ann, code):
    operator.user_permissions.remove(Permission.objects.get(codename=code))
    assert client.get(page(other)).status_code == 403
    assert client.post(page(other), {"person": "ann"}).status_code == 403
    assert not LogEntry.objects.exists()
