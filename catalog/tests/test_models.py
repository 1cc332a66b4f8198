import pytest
from django.db import IntegrityError

from catalog.models import Item
from catalog.tests.factories import ItemFactory
from catalog.text import fold

pytestmark = pytest.mark.django_db


def test_visible_leaves_out_hidden_and_adult_titles():
    plain, hidden, adult = ItemFactory(), ItemFactory(is_hidden=True), ItemFactory(genres=["Hentai", "Drama"])

    assert set(Item.objects.visible()) == {plain}
    assert set(Item.objects.visible(adult=True)) == {plain, adult}
    assert set(Item.objects.withheld()) == {hidden, adult}
    assert set(Item.objects.withheld(adult=True)) == {hidden}


def test_saving_keeps_the_search_name():
    item = ItemFactory(name="Shōjo Kakumei ☆ Utena")
    assert item.search_name == "shojo kakumei utena"

    item.name = "Pokémon"
    item.save(update_fields=["name"])
    item.refresh_from_db()
    assert item.search_name == "pokemon"


def test_a_name_that_folding_lengthens_still_fits():
    assert len(ItemFactory(name="ﷺ" * 255).search_name) == 255


def test_saving_changes_the_poster_version():
    item = ItemFactory()
    before = item.poster_version
    item.save()
    assert item.poster_version != before


@pytest.mark.parametrize(
    "facts", [{"anime_id": 0}, {"rating_mean": 0}, {"rating_mean": 11}, {"poster_url": "javascript:alert(1)"}]
)
def test_the_database_rejects_impossible_facts(facts):
    with pytest.raises(IntegrityError):
        ItemFactory(**facts)


def test_types_are_spelled_as_people_write_them():
    assert Item.Type.labels == Item.Type.values


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Gintama°", "gintama"),
        ("Kimi no Na wa.", "kimi no na wa"),
        ("Ærø ½", "aero 1 2"),
        ("snake_case", "snake case"),
        ("進撃の巨人", "進撃の巨人"),
        ("☆", ""),
    ],
)
def test_folding(name, folded):
    assert fold(name) == folded
