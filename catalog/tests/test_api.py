import pytest
from django.urls import reverse

from catalog.tests.factories import FranchiseFactory, ItemFactory

pytestmark = pytest.mark.django_db

LIST = "/api/v1/items/"


def names(response):
    assert response.status_code == 200, response.content
    return [item["name"] for item in response.json()["results"]]


def test_it_works(client):
    item = ItemFactory(
        name="Cowboy Bebop",
        genres=["Action", "Space"],
        franchise=FranchiseFactory(name="Bebop"),
        synopsis="Jazz.",
    )
    expected = {
        "anime_id": item.pk,
        "name": "Cowboy Bebop",
        "genres": ["Action", "Space"],
        "type": "TV",
        "episodes": 12,
        "rating_mean": 7.5,
        "members": 1000,
        "year": 2011,
        "franchise": "Bebop",
        "synopsis": "Jazz.",
        "poster": f"/poster/{item.pk}.svg?v={item.poster_version}",
    }
    assert client.get(f"{LIST}{item.pk}/").json() == expected
    assert client.get(LIST).json() == {"count": 1, "next": None, "previous": None, "results": [expected]}
    assert reverse("api:item-detail", args=[item.pk]) == f"{LIST}{item.pk}/"


def test_the_most_popular_come_first_and_search_orders_by_likeness(client):
    ItemFactory(name="Naruto: Shippuuden", members=9)
    ItemFactory(name="Naruto", members=5)
    ItemFactory(name="Trigun", members=7)
    assert names(client.get(LIST)) == ["Naruto: Shippuuden", "Trigun", "Naruto"]
    assert names(client.get(LIST, {"search": "naruto"})) == ["Naruto", "Naruto: Shippuuden"]
    assert names(client.get(LIST, {"search": "\0"})) == []


def test_it_filters(client):
    ItemFactory(name="A", genres=["Drama"], type="TV")
    ItemFactory(name="B", genres=["Drama"], type="Movie")
    ItemFactory(name="C", genres=["Space"], type="Movie")
    assert names(client.get(LIST, {"genre": "Drama", "type": "Movie"})) == ["B"]
    assert names(client.get(LIST, {"search": "c", "type": "Movie"})) == ["C"]


@pytest.mark.parametrize("params", [{"genre": "Nonsense"}, {"type": "Radio"}, {"genre": "Hentai"}])
def test_it_rejects_unknown_filters(client, params):
    ItemFactory(genres=["Hentai"])
    response = client.get(LIST, params)
    assert response.status_code == 400
    assert {error["field"] for error in response.json()["errors"]} == params.keys()


def test_hidden_and_adult_titles_never_appear(client):
    hidden, adult = ItemFactory(is_hidden=True), ItemFactory(genres=["Hentai"])
    assert names(client.get(LIST)) == names(client.get(LIST, {"search": "title"})) == []
    for item in (hidden, adult):
        assert client.get(f"{LIST}{item.pk}/").status_code == 404


@pytest.mark.parametrize("path", [f"{LIST}9/", f"{LIST}x/", f"{LIST}99999999999999999999/", f"{LIST}?page=9"])
def test_it_rejects_what_is_not_there(client, path):
    ItemFactory(anime_id=1)
    assert client.get(path).status_code == 404


def test_it_is_read_only(admin_client):
    item = ItemFactory()
    for method in ("post", "put", "patch", "delete"):
        response = getattr(admin_client, method)(f"{LIST}{item.pk}/", {}, content_type="application/json")
        assert response.status_code == 405


def test_pages_and_the_query_count_does_not_grow(client, django_assert_max_num_queries):
    ItemFactory.create_batch(110, genres=["Drama", "Space"], franchise=FranchiseFactory())
    with django_assert_max_num_queries(4):
        assert len(names(client.get(LIST))) == 50
    with django_assert_max_num_queries(8):
        assert len(names(client.get(LIST, {"search": "title", "page_size": 100, "genre": "Drama"}))) == 100


@pytest.mark.parametrize("size", ["0", "101", "1000", "-1", "x", "1.5", "", "１"])
def test_it_rejects_another_page_size(client, size):
    response = client.get(LIST, {"page_size": size})

    assert response.status_code == 400
    assert response.json()["errors"] == [
        {"field": "page_size", "detail": "Send a whole number from 1 to 100."}
    ]
