"""Drawing the maps: in the background, once for each checkpoint that serves."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from django.conf import settings

from ml import map as drawing
from ml.checkpoint import Checkpoint as Weights
from ml.checkpoint import CheckpointError
from recommender import storage
from recommender.models import Checkpoint, Map

DIGITS = 4  # of a coordinate between -1 and 1; a screen has fewer pixels


def draw_missing(*, steps: int = drawing.STEPS) -> Iterator[str]:
    """Draw the active checkpoint's map where it has none: a minute or two of one core. Say what was done."""
    checkpoint = Checkpoint.objects.filter(state=Checkpoint.State.ACTIVE, map__isnull=True).first()
    if checkpoint is None:
        return
    torch.set_num_threads(1)  # it is in no hurry, and shares the machine with who is
    try:
        storage.fetch(checkpoint.path)
        found = drawing.draw(Weights.load(checkpoint.path), steps=steps)
    except (CheckpointError, storage.StorageError, OSError) as error:
        yield f"{checkpoint} was not drawn: {str(error).replace(str(settings.CHECKPOINT_DIR), '')}"
        return
    points = {
        "ids": found.item_ids,
        **{
            name: getattr(found, name).round(DIGITS).astype(float).round(DIGITS).tolist()
            for name in ("pca", "tsne", "feedback", "times")
        },
    }
    Map.objects.get_or_create(checkpoint=checkpoint, defaults={"points": points})
    yield f"Drew {len(found.item_ids)} titles of {checkpoint}."
