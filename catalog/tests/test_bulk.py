"""Many titles changed at once in the admin, and what the history of each says."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from catalog.models import Item
from catalog.tests.factories import FranchiseFactory, GenreFactory, ItemFactory

pytestmark = pytest.mark.django_db
LIST = reverse("admin:catalog_item_changelist")


def edit(client, *items, **fields):
    data = {"action": "edit_selected", "_selected_action": [item.pk for item in items]}
    if fields:
        data |= {"apply": "yes"} | fields
    return client.post(LIST, data, follow=True)


def told(item):
    return [each.change_message for each in LogEntry.objects.filter(object_id=str(item.pk)).order_by("pk")]


def test_it_works(admin_client):
    drama, hentai = GenreFactory(name="Drama"), GenreFactory(name="Hentai")
    bebop = FranchiseFactory(name="Bebop")
    one, two = ItemFactory(genres=[drama], year=None), ItemFactory(type="Movie", franchise=bebop)
    untouched, before = ItemFactory(), one.updated_at

    assert "Edit 2 titles" in edit(admin_client, one, two).text
    page = edit(
        admin_client, one, two, type="Movie", year="2001", is_hidden="yes", franchise="bebop",
        add_genres=[hentai.pk], remove_genres=[drama.pk],
    )  # fmt: skip

    assert [str(m) for m in page.context["messages"]] == ["2 of 2 titles changed."]
    for item in (one, two):
        item.refresh_from_db()
        assert (item.type, item.year, item.is_hidden, item.franchise) == ("Movie", 2001, True, bebop)
        assert list(item.genres.all()) == [hentai]
    assert one.updated_at > before
    assert told(one) == [
        "Type: TV → Movie. Year: – → 2001. Franchise: – → Bebop. Hidden: no → yes. Genres: Drama → Hentai."
    ]
    assert told(two) == ["Year: 2011 → 2001. Hidden: no → yes. Genres: – → Hentai."]
    assert told(untouched) == []


def test_a_dash_takes_titles_out_of_their_franchise(admin_client):
    item = ItemFactory(franchise=FranchiseFactory())
    edit(admin_client, item, franchise="-")
    assert Item.objects.get().franchise is None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"type": ""}, "Nothing would change"),
        ({"year": "1600"}, "greater than or equal to 1900"),
        ({"franchise": "Bebob"}, "There is no franchise named “Bebob”"),
        ({"type": "Opera"}, "Select a valid choice"),
        ({"add_genres": ["77"]}, "Select a valid choice"),
    ],
)
def test_it_refuses_what_makes_no_sense(admin_client, fields, sentence):
    item = ItemFactory()
    page = edit(admin_client, item, **fields)
    assert page.status_code == 200
    assert sentence in page.text
    assert not told(item)


def test_adding_and_taking_the_same_genre_away_is_refused(admin_client):
    genre = GenreFactory(name="Drama")
    page = edit(admin_client, ItemFactory(), add_genres=[genre.pk], remove_genres=[genre.pk])
    assert "Either add or take away: Drama." in page.text


def test_queries_do_not_grow(admin_client, django_assert_max_num_queries):
    items = ItemFactory.create_batch(20, genres=["Drama"])
    with django_assert_max_num_queries(75):  # one write a title, the rest in bulk
        admin_client.post(
            LIST,
            {
                "action": "edit_selected",
                "apply": "yes",
                "year": "1999",
                "_selected_action": [i.pk for i in items],
            },
        )


@pytest.mark.parametrize("action", ["edit_selected", "hide", "merge_selected"])
def test_it_requires_permission(client, action):
    reader = User.objects.create_user("curator", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_item"))
    client.force_login(reader)
    items = ItemFactory.create_batch(2)
    client.post(
        LIST, {"action": action, "apply": "yes", "year": "1999", "_selected_action": [i.pk for i in items]}
    )
    assert not LogEntry.objects.exists()
    assert not Item.objects.filter(year=1999).exists()


def test_hiding_is_told_only_of_what_changed(admin_client):
    shown, hidden = ItemFactory(), ItemFactory(is_hidden=True)
    admin_client.post(LIST, {"action": "hide", "_selected_action": [shown.pk, hidden.pk]})
    assert told(shown) == ["Hidden: no → yes."]
    assert told(hidden) == []


def test_a_page_tells_what_changed_from_what_to_what(admin_client):
    drama, space = GenreFactory(name="Drama"), GenreFactory(name="Space")
    item = ItemFactory(name="Bebob", genres=[drama], franchise=FranchiseFactory(name="Old"))
    new = FranchiseFactory(name="New")
    url = reverse("admin:catalog_item_change", args=[item.pk])
    data = {
        "name": "Bebop", "genres": [drama.pk, space.pk], "members": 1000, "franchise": new.pk, "type": "TV",
        "episodes": 12, "rating_mean": 7.5, "year": 2011, "is_hidden": "on",
    }  # fmt: skip
    assert admin_client.post(url, data).status_code == 302
    (message,) = told(item)
    for change in (
        "Name: Bebob → Bebop.",
        "Franchise: Old → New.",
        "Hidden: no → yes.",
        "Genres: Drama → Drama, Space.",
    ):
        assert change in message
    assert (
        "Name: Bebob → Bebop." in admin_client.get(reverse("admin:catalog_item_history", args=[item.pk])).text
    )


def test_a_franchise_and_its_titles_tell_who_came_and_went(admin_client):
    bebop = FranchiseFactory(name="Bebop")
    film, series = ItemFactory(name="Film", franchise=bebop), ItemFactory(name="Series")
    url = reverse("admin:catalog_franchise_change", args=[bebop.pk])
    data = {
        "name": "Cowboy Bebop",
        "titles": str(series.pk),
        "items-TOTAL_FORMS": 0,
        "items-INITIAL_FORMS": 0,
    }
    assert admin_client.post(url, data).status_code == 302
    assert f"Titles: Film ({film.pk}) → Series ({series.pk})." in told(bebop)[-1]
    assert "Name: Bebop → Cowboy Bebop." in told(bebop)[-1]
    assert told(film) == ["Franchise: Cowboy Bebop → –."]
    assert told(series) == ["Franchise: – → Cowboy Bebop."]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"adult": "yes"}, {"C"}),
        ({"adult": "no"}, {"A", "a!", "B"}),
        ({"missing": "year"}, {"B"}),
        ({"missing": "genres"}, {"A", "a!", "B"}),
        ({"missing": "nonsense"}, {"A", "a!", "B", "C"}),
        ({"duplicates": "name"}, {"A", "a!"}),
        ({"q": "Saga"}, {"B"}),
    ],
)
def test_filters(admin_client, asked, found):
    ItemFactory(name="A"), ItemFactory(name="a!")
    ItemFactory(name="B", year=None, franchise=FranchiseFactory(name="Saga"))
    ItemFactory(name="C", genres=["Hentai"])
    page = admin_client.get(LIST, asked)
    assert {item.name for item in page.context["cl"].queryset} == found
