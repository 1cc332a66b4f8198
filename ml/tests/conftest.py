"""The small shared cast: a world with two tastes, a model trained on it, and the real data."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ml.checkpoint import MANIFEST, Checkpoint
from ml.config import SASRecConfig, TrainingConfig
from ml.data import Dataset, clean
from ml.splits import Split
from ml.training import train

ROMANCE = tuple(range(101, 116))
MECHA = tuple(range(201, 216))


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)


def two_tastes(n_people: int = 120, seed: int = 0) -> pd.DataFrame:
    """Half the people watch romance, half mecha; each has one stray of the other kind, and dislikes it."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(n_people):
        own, other = (ROMANCE, MECHA) if person % 2 else (MECHA, ROMANCE)
        titles = [*rng.choice(own, 8, replace=False), rng.choice(other)]
        feedback = [*rng.choice([2, 3, 4], 8), 1]  # the stray is disliked
        rows += [(str(person), int(title), int(f)) for title, f in zip(titles, feedback, strict=True)]
    table = pd.DataFrame(rows, columns=["user_id", "item_id", "feedback"])
    return table.assign(feedback=table["feedback"].astype("int8"), timestamp=np.nan)


TINY = TrainingConfig(
    epochs=30, batch_size=16, window=16, positions=4, learning_rate=3e-3, split=Split(0.1, 0.0), validations=1
)


def tiny_config(n_items: int, **changes) -> SASRecConfig:
    return replace(SASRecConfig(n_items=n_items, width=16, n_heads=2, max_length=32, dropout=0.1), **changes)


@pytest.fixture(scope="session")
def world() -> Dataset:
    return clean([two_tastes()], min_item_count=1)


@pytest.fixture(scope="session")
def trained(world) -> Checkpoint:
    return train(world, tiny_config(world.n_items), TINY, "cpu")


@pytest.fixture(scope="session")
def saved(trained, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("checkpoints") / "one"
    trained.save(path)
    return path


@pytest.fixture(scope="session")
def real_ratings() -> Path:
    beside = Path(__file__).parents[3] / "shared" / "data"
    path = Path(os.environ.get("NOSTRADE_TEST_DATA", beside)) / "anime" / "rating.csv"
    if not path.exists():
        pytest.skip("the real rating.csv is not here; set NOSTRADE_TEST_DATA to the folder that has anime/")
    return path


@pytest.fixture
def fresh(trained, tmp_path):
    """A checkpoint directory that the test may spoil."""
    trained.save(tmp_path / "it")
    return tmp_path / "it"


def rewrite(path: Path, **changes) -> None:
    """Change entries of a checkpoint's manifest."""
    manifest = json.loads((path / MANIFEST).read_text()) | changes
    (path / MANIFEST).write_text(json.dumps(manifest))
