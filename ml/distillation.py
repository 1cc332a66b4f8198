"""What SASRec learns from besides the lists: how others rank the titles still to come.

They are the item-item term and, in fine-tuning, the SASRec that it began as.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ml.batches import Batch
from ml.checkpoint import Checkpoint
from ml.config import Mix
from ml.item_item import ItemItem, coherence


@dataclass(frozen=True)
class Teacher:
    """The item-item term alone, as it ranks each prefix of a list (distillation, Hinton et al., 2015).

    A closed form knows of pairs of titles what a few hundred steps of gradient descent do not find; a softmax
    over its scores says so for all titles at once, where a list names a few of them.
    """

    term: ItemItem
    mix: Mix

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Self | None:
        """Take the term and the mix of a checkpoint without its SASRec; None where the term is silent."""
        if checkpoint.item_item.is_silent:
            return None
        return cls(checkpoint.item_item, checkpoint.mix.without_sasrec())

    @torch.no_grad()
    def scores(self, batch: Batch) -> Tensor:
        """Score every title after each answered position from the events up to it, (B, P, N + 1)."""
        items, feedback = batch.inputs[0].cpu(), batch.inputs[1].cpu()  # (B, L)
        at = batch.at.cpu()
        told = (torch.arange(items.shape[1]) <= at[:, :, None]) & (items > 0)[:, None]  # (B, P, L)
        person, position, event = told.nonzero(as_tuple=True)
        rows, known = person * at.shape[1] + position, items[person, event]
        sparse, spectral = self.term.scores(known, feedback[person, event], rows, at.numel())
        weights = torch.from_numpy(self.mix.at(coherence(sparse, known, rows)))[:, :, None]  # (3, B P, 1)
        mixed = weights[1] * sparse + weights[2] * spectral
        return mixed.view(*at.shape, -1).to(batch.at.device)


class Champion:
    """SASRec as it was when training began, as it ranks each prefix of a list.

    Following it keeps what a model knows while it learns something new (learning without forgetting, Li and
    Hoiem, 2016).
    """

    def __init__(self, start: Checkpoint) -> None:
        self.model = start.model()

    @torch.no_grad()
    def scores(self, batch: Batch) -> Tensor:
        """Score every title after each answered position, (B, P, N + 1)."""
        model = self.model.to(batch.at.device)
        return model.score(model(*batch.inputs, batch.at))
