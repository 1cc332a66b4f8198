import os
from pathlib import Path

import pytest

from catalog.importing import import_items
from catalog.models import Genre, Item
from catalog.tests.test_importing import counts

pytestmark = pytest.mark.django_db

STARTER = Path(__file__).parent.parent / "starter" / "items.csv.xz"


def test_our_starter_catalogue():
    report = import_items({"items": STARTER})
    assert counts(report) == (17_562, 0, 0, 0)
    assert Item.objects.get(name="Fullmetal Alchemist: Brotherhood").pk == 5114
    assert not Item.objects.filter(name__contains="&amp;").exists()
    assert Genre.objects.get(is_adult=True).name == "Hentai"
    assert counts(import_items({"items": STARTER})) == (0, 0, 17_562, 0)


def test_the_real_kaggle_catalogue_with_its_side_files():
    root = Path(__file__).parents[2]
    data = Path(os.environ.get("NOSTRADE_TEST_DATA", root.parent / "shared" / "data")) / "anime"
    if not (data / "anime.csv").exists():
        pytest.skip(f"no {data / 'anime.csv'}: name the folder of the data sets in NOSTRADE_TEST_DATA")
    files = {
        "items": data / "anime.csv",
        "metadata": data / "metadata.csv",
        "franchises": data / "franchises.json",
        "posters": data / "posters.csv",
        "synopses": data / "synopsis.csv",
    }
    first = import_items(files)
    assert first.created == 12_294
    assert not first.rejected
    assert Item.objects.filter(name="Gintama'").exists()
    assert Item.objects.filter(name="Saru Kani Gassen").count() == 2
    assert Item.objects.get(pk=1).year == 1998
    assert Item.objects.exclude(poster_url="").count() > 10_000
    assert counts(import_items(files)) == (0, 0, 12_294, 0)
