"""The page where a curator merges duplicates."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from catalog.models import Item
from catalog.tests.factories import ItemFactory
from feedback.models import FeedbackType
from feedback.tests.factories import EventFactory, UserFactory

pytestmark = pytest.mark.django_db
MERGE, LIST = reverse("admin:catalog_item_merge"), reverse("admin:catalog_item_changelist")


@pytest.fixture
def pair():
    return ItemFactory(anime_id=1, name="Cowboy Bebop", members=5), ItemFactory(
        anime_id=2, name="Bebop", members=1
    )


@pytest.fixture
def curator(client):
    user = UserFactory(is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["view_item", "change_item", "merge_item"])
    )
    client.force_login(user)
    return user


def said(page):
    return [str(message) for message in page.context["messages"]]


def test_it_works(client, curator, pair):
    ann = UserFactory()
    EventFactory(user=ann, item=pair[0])
    EventFactory(user=ann, item=pair[1], feedback_type=FeedbackType.LOVE)
    chosen = {"action": "merge_selected", "_selected_action": [item.pk for item in pair]}

    page = client.post(LIST, chosen, follow=True)
    assert "1 person has reacted to more than one of them" in page.text
    assert page.context["keep"] == 1  # the best-known one is proposed
    assert Item.objects.count() == 2

    done = client.post(MERGE, {"ids": [1, 2], "keep": 2}, follow=True)
    assert done.redirect_chain == [(reverse("admin:catalog_item_change", args=[2]), 302)]
    assert said(done)[0].startswith("Merged in Cowboy Bebop (1).")
    assert [item.pk for item in Item.objects.all()] == [2]
    told = {entry.object_id: entry.change_message for entry in LogEntry.objects.all()}
    assert told["1"] == "Merged into Bebop (2)."
    assert "reactions and what was taken back: 1" in told["2"]
    assert "Cowboy Bebop (1)" in client.get(reverse("admin:catalog_item_change", args=[2])).text


@pytest.mark.parametrize("data", [{}, {"keep": 9}, {"keep": "x"}, {"keep": ""}, {"keep": "9" * 30}])
def test_it_refuses_to_keep_none_of_them(client, curator, pair, data):
    page = client.post(MERGE, {"ids": [1, 2]} | data, follow=True)
    assert "not here any more" in said(page)[0]
    assert Item.objects.count() == 2


@pytest.mark.parametrize("ids", [[], [1], [1, 77], ["x", "²", "9" * 30], [1, 1]])
@pytest.mark.parametrize("method", ["get", "post"])
def test_it_refuses_fewer_than_two(client, curator, pair, ids, method):
    page = getattr(client, method)(MERGE, {"ids": ids, "keep": 1}, follow=True)
    assert said(page) == ["Select from two to 10 titles to merge."]
    assert Item.objects.count() == 2


def test_it_requires_permission(client, curator, pair):
    curator.user_permissions.remove(Permission.objects.get(codename="merge_item"))
    assert client.get(MERGE, {"ids": [1, 2]}).status_code == 403
    assert client.post(MERGE, {"ids": [1, 2], "keep": 1}).status_code == 403
    assert "Merge the selected" not in client.get(LIST).text
    client.logout()
    assert client.post(MERGE, {"ids": [1, 2], "keep": 1}).status_code == 302
    assert Item.objects.count() == 2


def test_the_preview_costs_the_same_however_much_follows(
    client, curator, pair, django_assert_max_num_queries
):
    EventFactory.create_batch(20, item=pair[0])
    with django_assert_max_num_queries(40):
        client.get(MERGE, {"ids": [1, 2]})
