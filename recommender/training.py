"""What a run trains: the parent on the news beside old people, or another model from nothing."""

from __future__ import annotations

import os
from dataclasses import replace

import pandas as pd
import torch
from django.conf import settings

from catalog.models import Item
from ml.checkpoint import Checkpoint as Weights
from ml.config import FINE_TUNING, PRESETS, SASRecConfig
from ml.content import ItemContent
from ml.data import joined
from ml.fine_tuning import fine_tune
from ml.fitting import Surroundings
from ml.id_maps import IdMap
from ml.replay import sampled_histories
from ml.resuming import StateFile
from ml.splits import Split
from ml.training import train
from recommender.models.checkpoints import NIGHTLY
from recommender.runs import CannotRetrain, Run
from recommender.training_data import Material

CHOICES = (
    NIGHTLY,
    *PRESETS,
)  # fine-tune the active checkpoint; any preset of `ml.train` trains from nothing instead
SAMPLED_PEOPLE = 2_000  # replayed where no bootstrap ratings are
FEWEST_PEOPLE = 1_000  # to train anew on
STATE_EVERY = 100  # steps between two saved states, from which a killed run goes on
VALIDATION = 0.05  # of them, to stop training and to find the mix


class NothingToDo(Exception):  # noqa: N818  # not an error: the run ends well, and says why
    """There is no reason to retrain now."""


def trained(run: Run, parent: Weights, data: Material) -> Weights:
    """Train what a run is about, in bounded threads, and return the weights, not yet saved.

    The run's state is kept in its folder, and every step is a sign of life.
    """
    around = Surroundings(StateFile(run.folder / "state.safetensors", STATE_EVERY), run.watch)
    # The site keeps a core: threads that wait for one another there would also make this many times slower.
    torch.set_num_threads(max((os.cpu_count() or 1) - 1, 1))
    if run.preset == NIGHTLY:
        return fine_tuned(parent, data, around)
    return anew(run.preset, parent, data, around)


def fine_tuned(parent: Weights, data: Material, around: Surroundings) -> Weights:
    """Go on training the parent: half of every batch are old people, or those that it makes up itself."""
    if not data.news.n_users:
        raise NothingToDo("Everybody with news is held out, or has reacted to a single title.")
    replay = data.replay
    if not settings.RATINGS_CSV:
        replay = joined(replay, sampled_histories(parent, SAMPLED_PEOPLE, FINE_TUNING.seed))
    config = replace(FINE_TUNING, window=min(FINE_TUNING.window, parent.config.max_length))
    return fine_tune(parent, data.news, replay, config, content=content_of(data.news.id_map), around=around)


def anew(preset: str, parent: Weights, data: Material, around: Surroundings) -> Weights:
    """Train another model from nothing, on everybody who is not held out.

    It knows the parent's titles, in the parent's places, and those that came since.
    """
    everybody = joined(data.news, data.replay)
    everybody = everybody.reindexed(parent.id_map.extend(everybody.id_map.ids))
    if everybody.n_users < FEWEST_PEOPLE:
        raise CannotRetrain(
            f"{everybody.n_users} people are too few to train anew: name bootstrap ratings in RATINGS_CSV, "
            f"or fine-tune until there are {FEWEST_PEOPLE}."
        )
    recipe = PRESETS[preset]
    config = replace(recipe.training, split=Split(0.0, VALIDATION))
    shape = SASRecConfig(n_items=everybody.n_items, **recipe.model)
    content = content_of(everybody.id_map).ordered(everybody.id_map)
    return train(replace(everybody, content=content), shape, config, around=around)


def content_of(id_map: IdMap) -> ItemContent:
    """Describe the titles of the catalogue that a model is to know."""
    items = Item.objects.filter(pk__in=id_map.ids).prefetch_related("genres").order_by("pk")
    rows = [
        {
            "item_id": item.pk,
            "name": item.name,
            "genre": ", ".join(genre.name for genre in item.genres.all()),
            "type": item.type,
            "year": "" if item.year is None else str(item.year),
            "synopsis": item.synopsis,
        }
        for item in items
    ]
    columns = ["item_id", "name", "genre", "type", "year", "synopsis"]
    return ItemContent.of(pd.DataFrame(rows, columns=columns))
