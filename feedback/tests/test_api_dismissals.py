"""Dismissals in the API."""

import pytest
from django.urls import reverse

from catalog.tests.factories import FranchiseFactory, ItemFactory
from feedback.models import Dismissal
from feedback.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
DISMISSALS = reverse("api:dismissals")


@pytest.fixture
def member(client):
    user = UserFactory()
    client.force_login(user)
    return user


def url(item, kind="seen"):
    return reverse("api:dismissal", args=[item.pk, kind])


def test_it_works(client, member):
    item = ItemFactory()

    put = client.put(url(item, "not-now"))

    assert put.status_code == 200
    assert put.json()["until"] > put.json()["created_at"]
    assert client.get(DISMISSALS).json()["results"] == [put.json()]
    assert [client.delete(url(item, "not-now")).status_code for _ in range(2)] == [204, 204]
    assert client.get(DISMISSALS).json()["results"] == []


def test_a_franchise_is_shown_again_by_any_of_its_titles(client, member):
    first, second = ItemFactory.create_batch(2, franchise=FranchiseFactory())
    client.put(url(first, "franchise"))

    client.delete(url(second, "franchise"))

    assert not Dismissal.objects.exists()


def test_nobody_lifts_anothers(client, member):
    item = ItemFactory()
    Dismissal.objects.dismiss(UserFactory(), item, Dismissal.Kind.SEEN)

    client.delete(url(item))

    assert Dismissal.objects.count() == 1


@pytest.mark.parametrize("method", ["put", "delete"])
def test_it_rejects_kinds_and_titles_that_are_not_there(client, member, method):
    ask = getattr(client, method)

    response = ask(url(ItemFactory(), "boring"))
    assert response.status_code == 404
    assert "seen, not-now, franchise" in response.json()["detail"]
    assert client.put(f"{DISMISSALS}{10**30}/seen/").status_code == 404
    assert client.put(url(ItemFactory(is_hidden=True))).status_code == 404


def test_the_list_is_paged_at_constant_cost_and_not_sent_twice(client, member, django_assert_num_queries):
    for item in ItemFactory.create_batch(60):
        Dismissal.objects.dismiss(member, item, Dismissal.Kind.SEEN)

    with django_assert_num_queries(3):  # session, person, page
        page = client.get(DISMISSALS)

    assert len(page.json()["results"]) == 50
    assert len(client.get(page.json()["next"]).json()["results"]) == 10
    assert client.get(DISMISSALS, headers={"If-None-Match": page["ETag"]}).status_code == 304
    Dismissal.objects.all().delete()
    assert client.get(DISMISSALS, headers={"If-None-Match": page["ETag"]}).status_code == 200
