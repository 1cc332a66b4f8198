"""The score: what SASRec and the item-item term say, weighed by how much of a list is known."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.checkpoint import Checkpoint
from ml.encoding import FEEDBACK, ITEM, collate
from ml.item_item import coherence
from ml.one_history import Encoded, OneHistory
from ml.title_table import TitleTable
from ml.without_each import states_without_each

__all__ = ["Encoded", "MixedScore"]


class MixedScore:
    """Scores encoded histories: a * SASRec + b * sparse + c * spectral. Read-only, so safe between threads.

    Wherever `titles` (T,) are given, only these are scored, else all N + 1 (padding meaninglessly).
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.model = checkpoint.served_model()
        self.item_item = checkpoint.item_item
        self.mix = checkpoint.mix
        self.items = TitleTable(self.model.items.weight)
        self._one = OneHistory(self.model)
        self._bias = self.model.bias.detach()

    def weights(self, encoded: Sequence[Encoded]) -> Tensor:
        """Return what each part counts for each history (3, B, 1), by how coherent it is."""
        return self._weights(self.coherence(encoded))

    def coherence(self, encoded: Sequence[Encoded]) -> NDArray[np.float32]:
        """Return how much the titles of each history say of one another, (B,)."""
        items, feedback, people = _events(encoded)
        titles, columns = torch.unique(items, return_inverse=True)
        sparse = self.item_item.sparse_scores(items, feedback, people, len(encoded), titles)
        return coherence(sparse, columns, people)

    def states(self, encoded: Sequence[Encoded]) -> Tensor:
        """Return SASRec's state after each history (B, D)."""
        if len(encoded) == 1:
            return self._one.state(encoded[0])
        inputs, last = collate(encoded)
        answer: Tensor = self.model(*inputs, last)[:, 0]
        return answer

    def states_without_each(self, encoded: Encoded, removed: Sequence[int]) -> Tensor:
        """Return the state after a history of two events or more, then without each: (1 + C, D)."""
        return states_without_each(self._one, encoded, removed)

    def sasrec(self, states: Tensor, titles: Tensor | None = None) -> Tensor:
        """Return the logits of states (B, D): (B, N + 1 or T)."""
        return self.items.scores(states, titles).add_(self._bias if titles is None else self._bias[titles])

    def parts(self, encoded: Sequence[Encoded]) -> tuple[Tensor, Tensor, Tensor]:
        """Return SASRec's logits and what the term says, sparse and spectral, each (B, N + 1)."""
        return self._parts(encoded, *_events(encoded))

    def mixed(self, encoded: Sequence[Encoded]) -> Tensor:
        """Return the mixed scores (B, N + 1)."""
        items, feedback, people = _events(encoded)
        score, *linear = self._parts(encoded, items, feedback, people)
        weights = self._weights(coherence(linear[0], items, people))
        score.mul_(weights[0])
        for weight, part in zip(weights[1:], linear, strict=True):
            score.addcmul_(weight, part)
        return score

    def said(self, encoded: Encoded, weights: Tensor, titles: Tensor | None = None) -> Tensor:
        """Return what each event of a history adds by the item-item term, (L, N + 1 or T)."""
        items, feedback = torch.from_numpy(encoded[[ITEM, FEEDBACK]])
        apart = torch.arange(len(items))
        sparse, spectral = self.item_item.scores(items, feedback, apart, len(items), titles)
        return sparse.mul_(weights[1]).add_(spectral.mul_(weights[2]))

    def linear(self, encoded: Encoded, weights: Tensor, titles: Tensor | None = None) -> Tensor:
        """Return what the whole history adds by the item-item term, (1, N + 1 or T)."""
        items, feedback = torch.from_numpy(encoded[[ITEM, FEEDBACK]])
        sparse, spectral = self.item_item.scores(items, feedback, torch.zeros_like(items), 1, titles)
        return sparse.mul_(weights[1]).add_(spectral.mul_(weights[2]))

    def _parts(
        self, encoded: Sequence[Encoded], items: Tensor, feedback: Tensor, people: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        linear = self.item_item.scores(items, feedback, people, len(encoded))
        return self.sasrec(self.states(encoded)), *linear

    def _weights(self, coherences: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(self.mix.at(coherences))[:, :, None]


def _events(encoded: Sequence[Encoded]) -> tuple[Tensor, Tensor, Tensor]:
    """Return all events of histories, each (E,): titles, feedback, and the number of the history."""
    people = torch.from_numpy(np.repeat(np.arange(len(encoded)), [row.shape[1] for row in encoded]))
    items, feedback = torch.from_numpy(np.concatenate(encoded, axis=1)[[ITEM, FEEDBACK]])
    return items, feedback, people
