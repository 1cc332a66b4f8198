"""A small world for tests: two tastes, a catalogue of both, and a real model trained on them.

Titles 1..30 are romances and 31..60 battles; the model knows these and two that are not in the catalogue. The
catalogue has ten more that the model does not know, one hidden title and one for adults.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import time_machine
import torch
from django.contrib.auth.models import User
from django.utils import timezone

from catalog.models import Genre, Item
from feedback.models import Event, FeedbackType
from ml.config import PRESETS, SASRecConfig
from ml.data import clean
from ml.feedback import Feedback
from ml.splits import Split
from ml.training import train
from recommender import impressions, serving
from recommender.models import Checkpoint

ROMANCES, BATTLES = range(1, 31), range(31, 61)
STRANGERS = (900, 901)  # known to the model alone
NEWCOMERS = range(101, 111)  # known to the catalogue alone
HIDDEN, ADULT = 5, 35

Promote = Callable[[str], Checkpoint]


def train_tiny(path: Path, seed: int) -> None:
    """Train a real checkpoint on people of two tastes."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(300):
        mine, others = (ROMANCES, BATTLES) if person % 2 else (BATTLES, ROMANCES)
        loved = rng.choice([*mine, *STRANGERS], 14, replace=False)
        disliked = rng.choice(others, 3, replace=False)
        rows += [(str(person), int(item), int(Feedback.LOVE)) for item in loved]
        rows += [(str(person), int(item), int(Feedback.DISLIKE)) for item in disliked]
    table = pd.DataFrame(rows, columns=["user_id", "item_id", "feedback"]).assign(timestamp=np.nan)
    dataset, preset = clean([table]), PRESETS["tiny"]
    config = replace(preset.training, seed=seed, epochs=20, split=Split(0.0, 0.0))
    train(dataset, SASRecConfig(n_items=dataset.n_items, **preset.model), config, "cpu").save(path)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two versions of the model, by name."""
    torch.set_num_threads(1)  # so small a model is ten times slower where its threads wait for each other
    folder = tmp_path_factory.getbasetemp() / "trained"  # found again by the other modules that import this
    versions = {name: folder / name for name in ("first", "second")}
    for seed, path in enumerate(versions.values()):
        if not path.exists():
            train_tiny(path, seed)
    return versions


@pytest.fixture
def own_ranker(settings, tmp_path: Path) -> Iterator[None]:
    """Let no test serve the ranker of another, nor ask for the active checkpoint by the clock."""
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    settings.CHECKPOINT_POLL_SECONDS = 3600
    serving.forget()
    yield
    serving.forget()


@pytest.fixture
def catalogue(db) -> None:
    romance, battle = Genre.objects.create(name="Romance"), Genre.objects.create(name="Action")
    adult = Genre.objects.create(name="Hentai", is_adult=True)
    for anime_id in (*ROMANCES, *BATTLES, *NEWCOMERS):
        item = Item.objects.create(anime_id=anime_id, name=f"No {anime_id:03} Show", members=5000 - anime_id)
        item.genres.add(romance if anime_id in ROMANCES else battle)
    Item.objects.filter(pk=HIDDEN).update(is_hidden=True)
    Item.objects.get(pk=ADULT).genres.add(adult)


@pytest.fixture
def promote(trained: dict[str, Path], own_ranker: None) -> Promote:
    """Bring one of the trained versions into the registry and make it active."""

    def bring(version: str) -> Checkpoint:
        checkpoint = Checkpoint(version=version)
        shutil.copytree(trained[version], checkpoint.path)
        checkpoint.read_manifest()
        checkpoint.save()
        checkpoint.promote()
        return checkpoint

    return bring


@pytest.fixture
def live(catalogue: None, promote: Promote) -> Checkpoint:
    """The catalogue, and the first version active."""
    return promote("first")


@pytest.fixture
def ann(db) -> User:
    return User.objects.create_user("ann", password="secret")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[impressions.Log]:
    """What was shown waits, as in a web worker; its thread never gets to write by itself."""
    monkeypatch.setattr(impressions, "WRITE_SECONDS", 3600)
    monkeypatch.setattr(impressions, "BATCH", 1000)
    impressions.start()
    yield impressions._log
    impressions._log._take()
    impressions.stop()


def say_over_days(
    user: User, anime_ids: Iterable[int], feedback_type: FeedbackType = FeedbackType.LOVE
) -> None:
    """React to a title a day, as somebody does who has been here for a while, and is known by that."""
    said = [*anime_ids]
    since = timezone.now() - timedelta(days=len(said) + 7)
    User.objects.filter(pk=user.pk).update(date_joined=since)
    for place, anime_id in enumerate(said):
        with time_machine.travel(since + timedelta(days=7 + place), tick=True):
            say(user, int(anime_id), feedback_type)


def say(user: User, anime_id: int, feedback_type: FeedbackType = FeedbackType.LOVE) -> Event:
    return Event.objects.record(user, Item.objects.get(pk=anime_id), feedback_type)
