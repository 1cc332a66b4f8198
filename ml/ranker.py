"""The ranker: a checkpoint that answers questions about outside ids. Immutable, so safe between threads."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.checkpoint import Checkpoint
from ml.encoding import ITEM, by_length, encode
from ml.explaining import Cause, leave_one_out
from ml.history import History
from ml.id_maps import PADDING_INDEX, IdMap
from ml.index import ExactIndex, ItemIndex, normalised
from ml.mixed_score import Encoded, MixedScore
from ml.retrieval import Retrieval, depth, retrieve

__all__ = ["Cause", "RankedItem", "Ranker"]

MAX_TOKENS = 16_384  # events in one pass through the model
FIELD = 1_000  # retrieved titles that an explanation compares in a large catalogue


@dataclass(frozen=True)
class RankedItem:
    """A title and its score: from `rank` a log-probability, in a large catalogue a logit; a cosine from
    `similar`.
    """

    item_id: int
    score: float


class Ranker:
    """Ranks the whole catalogue for a history with SASRec and the item-item term, and says why.

    With a `retrieval` (`ml.retrieval`, for large catalogues) only retrieved titles are scored.
    """

    def __init__(self, checkpoint: Checkpoint, retrieval: Retrieval | None = None) -> None:
        self._score = MixedScore(checkpoint)
        self.version = checkpoint.version
        self._id_map = checkpoint.id_map
        self._ids = np.array((0, *self._id_map.ids), dtype=np.int64)
        counts = checkpoint.item_counts.double() + 0.5  # a title without a rating is rare, not impossible
        counts[0] = 0
        self._popularity = (counts / counts.sum()).log().float()  # (N + 1,), -inf for padding
        self._candidates = retrieval.candidates if retrieval else None
        self._nearest = retrieval.neighbours if retrieval else None

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Load a checkpoint directory, with its indexes where it has some that keep their promise.

        Raises `ml.checkpoint.CheckpointError` when it cannot be used.
        """
        checkpoint = Checkpoint.mapped(path)
        return cls(checkpoint, Retrieval.load(Path(path), checkpoint))

    @property
    def id_map(self) -> IdMap:
        """Return the titles of the catalogue."""
        return self._id_map

    @property
    def item_ids(self) -> tuple[int, ...]:
        """Return the ids of the catalogue's titles."""
        return self._id_map.ids

    @property
    def ranks_by_probability(self) -> bool:
        """Tell whether the scores of `rank` are log-probabilities; in a large catalogue they are not."""
        return self._candidates is None

    def knows(self, item_id: int) -> bool:
        """Tell whether a title is in the catalogue."""
        return item_id in self._id_map

    def rank(
        self,
        history: History,
        k: int,
        *,
        exclude: Collection[int] = frozenset(),
        steer: NDArray[np.float32] | None = None,
    ) -> list[RankedItem]:
        """Return the k best titles of the whole catalogue, best first, fewer when fewer are left.

        Titles of the history and of `exclude` are masked before the choice; titles nobody knows are ignored.
        A history without a known title gets the most popular ones. `steer` (N,), one number for each of
        `item_ids`, is added to the scores before the choice. Raises ValueError when `k` is below 1.
        """
        return self.rank_many([history], k, exclude=exclude, steer=steer)[0]

    @torch.inference_mode()
    def rank_many(
        self,
        histories: Sequence[History],
        k: int,
        *,
        exclude: Collection[int] = frozenset(),
        steer: NDArray[np.float32] | None = None,
    ) -> list[list[RankedItem]]:
        """Rank for many people at once, as `rank` does for each."""
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}.")
        leaning = None if steer is None else torch.from_numpy(np.append(0, steer)).float()
        hidden = self._id_map.indices_of(list(exclude))
        if self._candidates is not None:
            return [
                self._rank_retrieved(self._candidates, history, k, hidden, leaning) for history in histories
            ]
        ranked: list[list[RankedItem]] = [[] for _ in histories]
        for rows, scores in self._scored(histories):
            total = scores.logsumexp(1, keepdim=True)  # hidden titles count: they are not ruled out by taste
            if leaning is not None:
                scores += leaning
            scores[:, hidden] = -math.inf
            for row, items in zip(rows, self._best(scores, k, total), strict=True):
                ranked[row] = items
        return ranked

    @torch.inference_mode()
    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Return log-probabilities (len(histories), N + 1); the titles of a history have none, -inf."""
        answer = np.empty((len(histories), len(self._ids)), dtype=np.float32)
        for rows, scores in self._scored(histories):
            answer[rows] = scores.log_softmax(1).nan_to_num(-math.inf, neginf=-math.inf)  # nan: all is seen
        return answer

    @torch.inference_mode()
    def explain(
        self, history: History, item_ids: Sequence[int], *, also: Collection[int] = ()
    ) -> list[list[Cause]]:
        """Say for each title which events of the history raise it: leave-one-out over the history, batched.

        A cause's drop is the fall of the title's log-probability without the event, all else equal: the parts
        of the score keep the weights of the whole history. It is a log-probability over the titles outside
        the *whole* history, the same set in every pass, because a plain score shifts for all titles alike
        when an event goes, and that shift is no reason for any of them. Of a large catalogue that set is the
        1,000 titles retrieved for the history, and the asked ones. Largest drop first; negative for events
        that speak against the title. Of a long history 16 events are tried, those that say most for one of
        the titles by the item-item term, and those about the titles `also`. Unknown titles get no causes.
        """
        encoded = self._encode(history)
        indices = self._id_map.indices_of(item_ids).tolist()
        asked = sorted({index for index in indices if index} - set(encoded[ITEM].tolist()))
        if not encoded.shape[1] or not asked:
            return [[] for _ in item_ids]
        among = self._field(encoded, asked)
        prior = self._popularity[None] if among is None else self._popularity[None, among]
        also = self._id_map.indices_of(list(also)).tolist()
        drops = leave_one_out(self._score, encoded, asked, prior, among, also)
        events = list(zip(self._ids[drops.items].tolist(), drops.feedback, strict=True))
        causes = {
            index: sorted(
                (Cause(*event, fall) for event, fall in zip(events, falls, strict=True)),
                key=lambda c: -c.drop,
            )
            for index, falls in zip(asked, drops.falls.T.tolist(), strict=True)
        }
        return [list(causes.get(index, ())) for index in indices]

    def similar(self, item_id: int, k: int, exclude: Collection[int] = frozenset()) -> list[RankedItem]:
        """Return the k titles nearest to a title by the cosine of their embeddings; none when unknown."""
        index = self._id_map.index_of(item_id)
        if not index:
            return []
        masked = self._id_map.indices_of(list(exclude))
        masked = np.append(masked[masked > 0], index) - 1
        vector = self._score.items.vectors(slice(index, index + 1)).numpy()
        rows = self._neighbours.search(vector, min(depth(k), len(self._id_map)), masked)[1][0]
        rows = np.sort(rows[rows >= 0]) + 1
        cosines = (
            normalised(self._score.items.vectors(torch.from_numpy(rows)).numpy()) @ normalised(vector)[0]
        )
        best = np.argsort(-cosines, kind="stable")[:k]
        pairs = zip(self._ids[rows[best]].tolist(), cosines[best].tolist(), strict=True)
        return [RankedItem(*pair) for pair in pairs]

    @property
    def log_popularity(self) -> NDArray[np.float32]:
        """Return the log-probability of each of `item_ids` where nothing is known of a person, (N,)."""
        return self._popularity[1:].numpy()

    def cosines(self, item_ids: Sequence[int]) -> NDArray[np.float32]:
        """Return the cosines of the embeddings of titles with one another, (n, n); 0 for unknown titles."""
        indices = self._id_map.indices_of(item_ids)
        vectors = normalised(self._score.items.vectors(torch.from_numpy(indices)).numpy())
        vectors[indices == PADDING_INDEX] = 0
        return np.asarray(vectors @ vectors.T)

    def likeness(self, item_ids: Sequence[int]) -> NDArray[np.float32]:
        """Return the cosine of each title here with each of `item_ids`, (N, n); 0 with unknown titles."""
        indices = self._id_map.indices_of(item_ids)
        asked = normalised(self._score.items.vectors(torch.from_numpy(indices)).numpy())
        asked[indices == PADDING_INDEX] = 0
        products = self._score.items.vectors(slice(1, None)).numpy() @ asked.T
        return np.asarray(products / self._lengths[:, None])

    @cached_property
    def _lengths(self) -> NDArray[np.float32]:
        """Return the length of each title's vector, (N,); of a zero vector almost 0, never 0."""
        lengths = np.linalg.norm(self._score.items.vectors(slice(1, None)).numpy(), axis=1)
        return np.asarray(np.maximum(lengths, 1e-12), dtype=np.float32)

    @cached_property
    def _neighbours(self) -> ItemIndex:
        """Return the index of `similar`, made when somebody first asks."""
        return self._nearest or ExactIndex(self._score.items.vectors(slice(1, None)).numpy())

    @torch.inference_mode()
    def parts(self, histories: Sequence[History]) -> Tensor:
        """Return SASRec's logits and the term's two parts (3, B, N + 1); each history needs a known title."""
        encoded = [self._encode(history) for history in histories]
        parts = torch.empty(3, len(encoded), len(self._id_map) + 1)
        for group in by_length([row.shape[1] for row in encoded], MAX_TOKENS):
            parts[:, group] = torch.stack(self._score.parts([encoded[row] for row in group]))
        return parts

    def coherence(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Return how much the titles of each history say of one another (`ml.item_item.coherence`), (B,)."""
        return self._score.coherence([self._encode(history) for history in histories])

    def _encode(self, history: History) -> Encoded:
        return encode(history, self._id_map, self._score.model.config)

    def _scored(self, histories: Sequence[History]) -> Iterator[tuple[list[int], Tensor]]:
        """Score a few histories at a time, so that they stay in the processor's cache: their places, and
        scores (B, N + 1) with padding and each one's own titles at -inf.
        """
        encoded = [self._encode(history) for history in histories]
        known = [row for row, events in enumerate(encoded) if events.shape[1]]
        unknown = [row for row, events in enumerate(encoded) if not events.shape[1]]
        if unknown:
            yield unknown, self._masked(self._popularity.repeat(len(unknown), 1), histories, unknown)
        for group in by_length([encoded[row].shape[1] for row in known], MAX_TOKENS):
            rows = [known[place] for place in group]
            yield rows, self._masked(self._score.mixed([encoded[row] for row in rows]), histories, rows)

    def _masked(self, scores: Tensor, histories: Sequence[History], rows: list[int]) -> Tensor:
        """Set padding and the titles of each history to -inf, (B, N + 1)."""
        values = scores.numpy()  # the same memory; NumPy gets to single places sooner
        values[:, 0] = -math.inf
        for place, row in enumerate(rows):
            values[place, self._id_map.indices_of(histories[row].item_ids)] = -math.inf
        return scores

    def _best(self, scores: Tensor, k: int, total: Tensor | float = 0.0) -> list[list[RankedItem]]:
        """Return the k best titles of each row (B, N + 1) that are not masked, their scores less `total`."""
        best = scores.topk(min(k, len(self._id_map)), dim=1)
        return [self._items(*row) for row in zip(best.indices.numpy(), best.values - total, strict=True)]

    def _items(self, indices: NDArray[np.int64], scores: Tensor) -> list[RankedItem]:
        """Name ranked titles by their outside ids, without those that are masked."""
        pairs = zip(self._ids[indices].tolist(), scores.tolist(), strict=True)
        return [RankedItem(item_id, score) for item_id, score in pairs if score > -math.inf]

    def _rank_retrieved(
        self,
        candidates: ItemIndex,
        history: History,
        k: int,
        hidden: NDArray[np.int64],
        leaning: Tensor | None,
    ) -> list[RankedItem]:
        """Rank a large catalogue: score only what the index returns, all of it when that is too little.

        A leaning orders what was retrieved by taste alone.
        """
        encoded = self._encode(history)
        masked = np.concatenate([hidden, self._id_map.indices_of(history.item_ids), [0]])
        if encoded.shape[1]:
            state, weight = self._score.states([encoded]), self._score.weights([encoded])[0]
            titles = retrieve(candidates, state, depth(k), masked)
            if len(titles) >= k:
                scores = (self._score.sasrec(state, titles) * weight)[0]
                scores = scores if leaning is None else scores + leaning[titles]
                best = scores.sort(descending=True, stable=True)
                return self._items(titles[best.indices[:k]].numpy(), best.values[:k])
            scores = self._score.sasrec(state) * weight
        else:
            scores = self._popularity[None].clone()
        scores = scores if leaning is None else scores + leaning
        scores[0, masked] = -math.inf
        return self._best(scores, k)[0]

    def _field(self, encoded: Encoded, asked: list[int]) -> Tensor | None:
        """Return the titles among which an explanation takes probabilities, ascending; None means all."""
        if self._candidates is None:
            return None
        state = self._score.states([encoded])
        titles = retrieve(self._candidates, state, FIELD, encoded[ITEM])
        return torch.from_numpy(np.union1d(titles.numpy(), asked))
