"""The real catalogue, a model trained on real ratings, and a feed served from both."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from django.conf import settings as django_settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.management import call_command

from catalog.models import Item
from feedback.models import Event, FeedbackType
from ml.config import PRESETS, SASRecConfig
from ml.data import clean
from ml.ratings import read_ratings
from ml.splits import Split
from ml.training import train
from recommender.feed import PAGE_SIZE, feed_for
from recommender.models import Checkpoint

SHARED = django_settings.BASE_DIR.parent / "shared" / "data"
DATA = Path(os.environ.get("NOSTRADE_TEST_DATA", SHARED), "anime")
pytestmark = pytest.mark.skipif(
    not (DATA / "rating.csv").exists(), reason="no Kaggle files; NOSTRADE_TEST_DATA may name their folder"
)

# Love, comedy and school: favourites whose neighbourhood nobody disputes.
TORADORA, CLANNAD, KIMI_NI_TODOKE = 4224, 2167, 6045
STEPS = 60


@pytest.fixture(scope="module")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train on the real ratings for some seconds."""
    torch.set_num_threads(1)
    dataset, preset = clean([read_ratings(DATA / "rating.csv")]), PRESETS["tiny"]
    config = replace(preset.training, max_steps=STEPS, split=Split(0.1, 0.0))
    path = tmp_path_factory.mktemp("real") / "real"
    shape = SASRecConfig(n_items=dataset.n_items, **preset.model)
    train(dataset, shape, config, "cpu").save(path)
    return path


@pytest.fixture
def site(db, small_model: Path) -> Checkpoint:
    """Import the catalogue as published, and promote the model."""
    call_command("import_items", DATA / "anime.csv")
    checkpoint = Checkpoint(version=small_model.name)
    shutil.copytree(small_model, checkpoint.path)
    checkpoint.read_manifest()
    checkpoint.save()
    checkpoint.promote()
    return checkpoint


def share_of_romance(user: User) -> float:
    genres = [{genre.name for genre in card.item.genres.all()} for card in feed_for(user).cards]
    return sum("Romance" in names for names in genres) / len(genres)


def test_it_works(site: Checkpoint, ann: User, django_assert_num_queries) -> None:
    assert Item.objects.count() == 12_294
    assert feed_for(AnonymousUser()).cards[0].item.name == "Death Note"
    Event.objects.record(ann, Item.objects.get(name="Death Note"), FeedbackType.LIKE)
    before = share_of_romance(ann)
    for anime_id in (TORADORA, CLANNAD, KIMI_NI_TODOKE):
        Event.objects.record(ann, Item.objects.get(pk=anime_id), FeedbackType.LOVE)
    assert share_of_romance(ann) > before
    page = feed_for(ann)
    assert page.version == "real"
    assert any(card.reason.text.startswith("Because you ") for card in page.cards)


def test_a_long_history_costs_no_more_queries_and_pages_never_repeat(
    site: Checkpoint, ann: User, django_assert_num_queries
) -> None:
    for item in Item.objects.visible().popular()[:300]:
        Event.objects.record(ann, item, FeedbackType.LIKE)
    feed_for(ann)
    with django_assert_num_queries(7):
        page = feed_for(ann)
    assert (page.known, page.is_personal, len(page.cards)) == (300, True, PAGE_SIZE)
    seen: list[int] = []
    for number in (1, 2, 3, 100, 101, 200):
        seen += [card.item.pk for card in feed_for(ann, page=number).cards]
    assert len(seen) == len(set(seen)) == 6 * PAGE_SIZE
