import pytest
from django.urls import reverse

from catalog.models import Item
from catalog.tests.factories import FranchiseFactory, GenreFactory, ItemFactory

pytestmark = pytest.mark.django_db


def act(client, action, *items):
    data = {"action": action, "_selected_action": [item.pk for item in items]}
    return client.post(reverse("admin:catalog_item_changelist"), data, follow=True)


def test_it_requires_staff(client):
    assert client.get(reverse("admin:catalog_item_changelist")).status_code == 302


@pytest.mark.parametrize("model", ["item", "genre", "franchise"])
def test_it_works(admin_client, model):
    ItemFactory(name="Cowboy Bebop", genres=["Space"], franchise=FranchiseFactory(name="Bebop"))
    for name in (f"admin:catalog_{model}_changelist", f"admin:catalog_{model}_add"):
        assert admin_client.get(reverse(name)).status_code == 200


def test_search_forgives_accents(admin_client):
    ItemFactory(name="Pokémon")
    ItemFactory(name="Trigun")
    response = admin_client.get(reverse("admin:catalog_item_changelist"), {"q": "pokemon"})
    assert [item.name for item in response.context["cl"].queryset] == ["Pokémon"]


def test_hiding_says_how_many_titles_changed(admin_client):
    shown, other, hidden = ItemFactory(), ItemFactory(), ItemFactory(is_hidden=True)

    response = act(admin_client, "hide", shown, hidden)
    assert [str(message) for message in response.context["messages"]] == ["1 title is now hidden."]
    assert set(Item.objects.visible()) == {other}

    response = act(admin_client, "show", shown, hidden)
    assert [str(message) for message in response.context["messages"]] == ["2 titles are now shown again."]
    assert Item.objects.visible().count() == 3


def test_hiding_works_on_a_list_filtered_by_genre(admin_client):
    item = ItemFactory(genres=["Drama"])
    url = reverse("admin:catalog_item_changelist")
    data = {"action": "hide", "_selected_action": [item.pk]}
    admin_client.post(f"{url}?genres__id__exact={item.genres.get().pk}", data)
    assert not Item.objects.visible().exists()


def test_an_id_cannot_be_edited_but_the_name_can(admin_client):
    item = ItemFactory(name="Typo", genres=["Drama"])
    data = {"anime_id": 999, "name": "Fixed", "genres": [item.genres.get().pk], "members": 5}
    response = admin_client.post(reverse("admin:catalog_item_change", args=[item.pk]), data)
    assert response.status_code == 302
    fixed = Item.objects.get()
    assert (fixed.pk, fixed.name, fixed.search_name) == (item.pk, "Fixed", "fixed")


def test_it_rejects_impossible_facts_in_words(admin_client):
    data = {
        "anime_id": 0,
        "name": "x",
        "members": 1,
        "rating_mean": 11,
        "poster_url": "ftp://example.com/a.jpg",
    }
    response = admin_client.post(reverse("admin:catalog_item_add"), data)
    assert response.status_code == 200
    assert not Item.objects.exists()
    problems = response.context["adminform"].form.errors
    assert {"rating_mean", "__all__"} <= problems.keys()
    assert "begins with http" in str(problems["__all__"])


def test_genres_count_their_titles(admin_client):
    genre = GenreFactory(name="Drama")
    ItemFactory.create_batch(3, genres=[genre])
    assert (
        '<td class="field-titles">3</td>' in admin_client.get(reverse("admin:catalog_genre_changelist")).text
    )


def test_the_query_count_does_not_grow(admin_client, django_assert_max_num_queries):
    for _ in range(2):
        ItemFactory.create_batch(20, genres=["Drama"], franchise=FranchiseFactory())
        with django_assert_max_num_queries(8):
            admin_client.get(reverse("admin:catalog_item_changelist"))


def franchise_page(client, franchise, titles):
    url = reverse("admin:catalog_franchise_change", args=[franchise.pk])
    return client.post(url, {"name": franchise.name, "titles": titles})


def test_a_franchise_shows_its_titles_in_order_and_takes_others(admin_client):
    bebop, other = FranchiseFactory(name="Bebop"), FranchiseFactory(name="Other")
    film = ItemFactory(name="Bebop: the Film", year=2001, franchise=bebop)
    series = ItemFactory(name="Bebop", year=1998, franchise=bebop)
    stray = ItemFactory(name="Bebop Special", year=1999, franchise=other)
    page = admin_client.get(reverse("admin:catalog_franchise_change", args=[bebop.pk]))
    lines = page.context["adminform"].form.initial["titles"].splitlines()
    assert lines == [f"{series.pk}  Bebop (TV, 1998)", f"{film.pk}  Bebop: the Film (TV, 2001)"]

    before = Item.objects.get(pk=film.pk).updated_at
    assert franchise_page(admin_client, bebop, f"{lines[0]}\n\n{stray.pk}").status_code == 302
    assert bebop.in_order() == [series, stray]
    let_go = Item.objects.get(pk=film.pk)
    assert let_go.franchise is None
    assert let_go.updated_at > before


@pytest.mark.parametrize(
    ("titles", "sentence"),
    [
        ("Cowboy Bebop", "Begin each line with the id of a title, not with “Cowboy”."),
        ("777777", "There is no title with the id 777777: import it first."),
        ("9" * 30, "Begin each line with the id of a title"),
        ("²", "Begin each line with the id of a title"),
    ],
)
def test_a_franchise_refuses_what_is_no_title(admin_client, titles, sentence):
    bebop = FranchiseFactory(name="Bebop")
    item = ItemFactory(franchise=bebop)
    response = franchise_page(admin_client, bebop, titles)
    assert response.status_code == 200
    assert sentence in response.context["adminform"].form.errors["titles"][0]
    assert bebop.in_order() == [item]
