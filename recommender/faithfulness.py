"""How true a checkpoint's reasons are: measured once, kept with its metrics, shown where reasons are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from django.conf import settings

from ml.checkpoint import Checkpoint as Weights
from ml.checkpoint import CheckpointError
from ml.faithfulness import faithfulness
from ml.history import History
from ml.panels import Panel
from ml.ranker import Ranker
from ml.replay import sampled_histories
from recommender import storage
from recommender.explanations import real_causes
from recommender.faithful import KEY, Faithful
from recommender.models import Checkpoint

MOST_PEOPLE = 100
FEWEST_PEOPLE = 20  # held out, to go by them; else the checkpoint makes people up
HELD_OUT, MADE_UP = "held out", "made up by the model"


def measure(checkpoint: Checkpoint, panels: Sequence[Panel] = ()) -> Faithful | None:
    """Measure on held-out people, or on made-up ones where those are few; keep it on the row, and return it.

    Takes seconds. Raises `CheckpointError`, `StorageError` or `OSError` where the directory cannot be used.
    """
    storage.fetch(checkpoint.path)
    histories = [case.known for panel in panels for case in panel.cases]
    source = HELD_OUT if len(histories) >= FEWEST_PEOPLE else MADE_UP
    if source == MADE_UP:
        histories = made_up(Weights.load(checkpoint.path))
    found = faithfulness(Ranker.load(checkpoint.path), _evenly(histories), real_causes)
    kept = {**found.to_dict(), "source": source} if found else None
    checkpoint.metrics = {**checkpoint.metrics, KEY: kept}
    checkpoint.save(update_fields=["metrics"])
    return Faithful.of(checkpoint.metrics)


def made_up(weights: Weights) -> list[History]:
    """Let the checkpoint make people up."""
    people = sampled_histories(weights, MOST_PEOPLE, seed=0)
    return [people.history(user) for user in range(people.n_users)]


def _evenly(histories: Sequence[History]) -> Sequence[History]:
    return histories[:: -(-len(histories) // MOST_PEOPLE)]


def measure_missing() -> Iterator[str]:
    """Measure every checkpoint that could serve and was not measured; say what was found."""
    torch.set_num_threads(1)  # one short history after another: threads would only wait for each other
    unservable = Checkpoint.State.unservable()
    missing = Checkpoint.objects.exclude(state__in=unservable).exclude(metrics__has_key=KEY)
    for checkpoint in missing:
        try:
            found = measure(checkpoint)
        except (CheckpointError, storage.StorageError, OSError) as error:
            reason = str(error).replace(str(settings.CHECKPOINT_DIR), "")
            yield f"{checkpoint} was not measured: {reason}"
        else:
            yield f"{checkpoint}: {found.details if found else 'it states no reasons.'}"
