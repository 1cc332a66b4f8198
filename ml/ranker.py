"""The ranker: a checkpoint that answers questions about outside ids. Immutable, so safe between threads."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.checkpoint import Checkpoint
from ml.encoding import FEEDBACK, ITEM, POSITION, by_length, collate, encode
from ml.history import History
from ml.id_maps import IdMap
from ml.index import ExactIndex, ItemIndex, normalised

MAX_TOKENS = 16_384  # events in one pass through the model
MAX_CAUSES = 16  # events of a history that may be named as a cause
CAUSES_AT_A_TIME = 8  # fewer share more of the computation, more make larger matrices


@dataclass(frozen=True)
class RankedItem:
    """A title and its score: a log-probability from `rank`, a cosine from `similar`."""

    item_id: int
    score: float


@dataclass(frozen=True)
class Cause:
    """An event of the history, and by how much a title's log-probability falls when it is taken away."""

    item_id: int
    feedback: int
    drop: float


class Ranker:
    """Ranks the whole catalogue for a history with SASRec and the item-item term, and says why."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.model = checkpoint.model()
        self.item_item = checkpoint.item_item
        self.mix = checkpoint.mix
        self.version = checkpoint.version
        self._id_map = checkpoint.id_map
        self._ids = np.array((0, *self._id_map.ids), dtype=np.int64)
        counts = checkpoint.item_counts.double() + 0.5  # a title without a rating is rare, not impossible
        counts[0] = 0
        self._popularity = (counts / counts.sum()).log().float()  # (N + 1,), -inf for padding
        self._index: ItemIndex = ExactIndex(self._vectors)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Load a checkpoint directory. Raises `ml.checkpoint.CheckpointError` when it cannot be used."""
        return cls(Checkpoint.load(path))

    @property
    def id_map(self) -> IdMap:
        """Return the titles of the catalogue."""
        return self._id_map

    @property
    def item_ids(self) -> tuple[int, ...]:
        """Return the ids of the catalogue's titles."""
        return self._id_map.ids

    def knows(self, item_id: int) -> bool:
        """Tell whether a title is in the catalogue."""
        return item_id in self._id_map

    def rank(
        self,
        history: History,
        k: int,
        *,
        exclude: Collection[int] = frozenset(),
        popularity_discount: float = 0.0,
    ) -> list[RankedItem]:
        """Return the k best titles of the whole catalogue, best first, fewer when fewer are left.

        Titles of the history and of `exclude` are masked before the choice; titles nobody knows are ignored.
        A history without a known title gets the most popular ones. `popularity_discount` in 0..1 subtracts
        that share of a title's log popularity, to dig deeper. Raises ValueError when `k` is below 1.
        """
        return self.rank_many([history], k, exclude=exclude, popularity_discount=popularity_discount)[0]

    @torch.inference_mode()
    def rank_many(
        self,
        histories: Sequence[History],
        k: int,
        *,
        exclude: Collection[int] = frozenset(),
        popularity_discount: float = 0.0,
    ) -> list[list[RankedItem]]:
        """Rank for many people at once, as `rank` does for each."""
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}.")
        scores = self._log_probabilities(histories)
        if popularity_discount:
            scores = scores - popularity_discount * self._popularity.nan_to_num(neginf=0.0)
        scores[:, self._id_map.indices_of(list(exclude))] = -math.inf
        best = scores.topk(min(k, len(self._id_map)), dim=1)
        return [
            [RankedItem(int(self._ids[i]), s) for s, i in zip(row_scores, row, strict=True) if s > -math.inf]
            for row_scores, row in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Return log-probabilities (len(histories), N + 1); the titles of a history have none, -inf."""
        return self._log_probabilities(histories).numpy()

    @torch.inference_mode()
    def explain(self, history: History, item_ids: Sequence[int]) -> list[list[Cause]]:
        """Say for each title which events of the history raise it: leave-one-out over the history, batched.

        A cause's drop is the fall of the title's log-probability without the event, all else equal: the parts
        of the score keep the weights of the whole history. It is a log-probability over the titles outside
        the *whole* history, the same set in every pass, because a plain score shifts for all titles alike
        when an event goes, and that shift is no reason for any of them. Largest drop first; negative for
        events that speak against the title. Of a long history 16 events are tried, those that say most for
        one of the titles by the item-item term. Unknown titles get no causes.
        """
        indices = self._id_map.indices_of(item_ids)
        encoded = encode(history, self._id_map, self.model.config)
        if not encoded.shape[1] or not len(indices):
            return [[] for _ in item_ids]
        weights = self._weights([encoded])[:, :, 0]
        titles = torch.from_numpy(indices[indices > 0])
        encoded, tried = _loose_last(encoded, _most_telling(self._said(encoded, weights, titles)))
        scores = self._left_out(encoded, tried, weights)[:, indices]
        drops = (scores[0] - scores[1:]).T.tolist()  # (len(item_ids), C)
        events = [(int(self._ids[encoded[ITEM, i]]), int(encoded[FEEDBACK, i])) for i in tried.tolist()]
        return [
            sorted(
                (Cause(*event, drop) for event, drop in zip(events, row, strict=True)), key=lambda c: -c.drop
            )
            if index and index not in encoded[ITEM]
            else []
            for index, row in zip(indices, drops, strict=True)
        ]

    def similar(self, item_id: int, k: int, exclude: Collection[int] = frozenset()) -> list[RankedItem]:
        """Return the k titles nearest to a title by the cosine of their embeddings; none when unknown."""
        index = self._id_map.index_of(item_id)
        if not index:
            return []
        wanted = min(k + 1 + len(exclude), len(self._id_map))
        cosines, rows = self._index.search(self._vectors[index - 1 : index], wanted)
        near = [
            RankedItem(int(self._ids[row + 1]), float(c)) for c, row in zip(cosines[0], rows[0], strict=True)
        ]
        return [item for item in near if item.item_id != item_id and item.item_id not in exclude][:k]

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        """Return the item embeddings (N, D), scaled to length one."""
        return normalised(self.model.items.weight.detach()[1:].numpy())

    def _weights(self, encoded: Sequence[NDArray[np.int64]]) -> Tensor:
        """Return what each part counts for each history (3, B, 1)."""
        lengths = np.array([row.shape[1] for row in encoded])
        return torch.from_numpy(self.mix.at(lengths))[:, :, None]

    def _said(self, encoded: NDArray[np.int64], weights: Tensor, titles: Tensor | None = None) -> Tensor:
        """Return what each event (4, L) adds to each of T titles, or to all, by the item-item term (L, T)."""
        items, feedback = torch.from_numpy(encoded[[ITEM, FEEDBACK]])
        sparse, spectral = self.item_item.scores(
            items, feedback, torch.arange(len(items)), len(items), titles
        )
        return weights[1] * sparse + weights[2] * spectral

    def _left_out(self, encoded: NDArray[np.int64], tried: Tensor, weights: Tensor) -> Tensor:
        """Score a history (4, L), then without each of the events at `tried` (C,): (1 + C, N + 1)."""
        inputs, last = collate([encoded])
        states = [self.model(*inputs, last)[0]]
        if encoded.shape[1] > 1:
            groups = torch.split(tried, CAUSES_AT_A_TIME)
            states += [self.model.without_each(inputs, group) for group in groups]
        scores = self.model.score(torch.cat(states))
        if encoded.shape[1] == 1:
            scores = torch.cat([scores, self._popularity[None]])
        items, feedback = torch.from_numpy(encoded[[ITEM, FEEDBACK]])
        sparse, spectral = self.item_item.scores(items, feedback, torch.zeros_like(items), 1)
        scores = weights[0] * scores + weights[1] * sparse + weights[2] * spectral
        scores[1:] -= self._said(encoded[:, tried.numpy()], weights)
        scores[:, 0] = -math.inf
        scores[:, encoded[ITEM]] = -math.inf
        return scores.log_softmax(-1)

    @torch.inference_mode()
    def parts(self, histories: Sequence[History]) -> Tensor:
        """Return the parts of the scores before they are mixed, (3, B, N + 1): SASRec's logits and what the
        item-item term says, sparse and spectral. Each history needs a known title.
        """
        encoded = [encode(history, self._id_map, self.model.config) for history in histories]
        parts = torch.empty(3, len(encoded), len(self._id_map) + 1)
        for group in by_length([row.shape[1] for row in encoded], MAX_TOKENS):
            parts[:, group] = self._parts([encoded[row] for row in group])
        return parts

    def _parts(self, encoded: Sequence[NDArray[np.int64]]) -> Tensor:
        """Return the parts for histories that go through the model together."""
        inputs, last = collate(encoded)
        people = torch.repeat_interleave(torch.tensor([row.shape[1] for row in encoded]))
        items, feedback = torch.from_numpy(np.concatenate(encoded, axis=1)[[ITEM, FEEDBACK]])
        linear = self.item_item.scores(items, feedback, people, len(encoded))
        return torch.stack([self.model.score(self.model(*inputs, last)[:, 0]), *linear])

    @torch.inference_mode()
    def _log_probabilities(self, histories: Sequence[History]) -> Tensor:
        """Score each history (B, N + 1): log-probabilities over the titles outside it, its own at -inf."""
        encoded = [encode(history, self._id_map, self.model.config) for history in histories]
        scores = self._popularity.repeat(len(encoded), 1)  # stays for histories without a known title
        lengths = [row.shape[1] for row in encoded]
        for group in by_length(lengths, MAX_TOKENS):
            filled = [row for row in group if lengths[row]]
            if filled:
                chosen = [encoded[row] for row in filled]
                scores[filled] = (self._weights(chosen) * self._parts(chosen)).sum(0)
        scores[:, 0] = -math.inf
        for row, history in enumerate(histories):
            scores[row, self._id_map.indices_of(history.item_ids)] = -math.inf
        scores = scores.log_softmax(-1)
        return scores.masked_fill(scores.isnan(), -math.inf)  # nan: a person who has seen everything


def _most_telling(said: Tensor) -> Tensor:
    """Choose the events, of what they say (L, T), that say most for one of the titles; places, ascending.

    Every title's first event comes before any title's second; the newer of equals first.
    """
    shares = said / said.amax(0).clamp_min(1e-9) if said.shape[1] else said.new_zeros(len(said), 1)
    order = shares.amax(1).flip(0).argsort(descending=True, stable=True)[:MAX_CAUSES]
    return (len(said) - 1 - order).sort().values


def _loose_last(encoded: NDArray[np.int64], tried: Tensor) -> tuple[NDArray[np.int64], Tensor]:
    """Move the tried events of a set to its end: it has no order, and what comes before is computed once."""
    loose = encoded[POSITION] == 0
    is_tried = np.zeros(len(loose), dtype=bool)
    is_tried[tried.numpy()] = True
    order = np.argsort(np.where(loose, is_tried, 2), kind="stable")
    return encoded[:, order], torch.from_numpy(np.flatnonzero(is_tried[order]))
