"""Hybrids of rankers: the fixed 0.8 model + 0.2 content, and a blend weighed by how much is known."""

import itertools
from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from ml.history import History
from ml.id_maps import IdMap
from ml.mixing import mean_ndcg
from ml.protocols import KNOWN, Case
from ml.scoring import Scorer

MODEL_SHARE, CONTENT_SHARE = 0.8, 0.2
STEPS = 10  # shares in tenths
LENGTH_OF_ALL = 100  # where the shares found with whole lists stand


class Blend:
    """A weighted sum of rankers, each one's scores first normalised for each person.

    Normalised is: less their mean, over their standard deviation, over the titles outside the history. So a
    share means the same whatever the units of a ranker, and one that says the same of every title says
    nothing. `shares` has a row of weights, one a ranker, for every length of `lengths` (rising); between
    them shares run straight in the log of the number of known titles. Rankers must know the same titles in
    the same order. Raises ValueError when they do not, or the shares do not line up.
    """

    def __init__(
        self, scorers: Sequence[Scorer], shares: Sequence[Sequence[float]], lengths: Sequence[int] = (1,)
    ) -> None:
        if not scorers or len(shares) != len(lengths) or {len(row) for row in shares} != {len(scorers)}:
            raise ValueError("A blend needs a share of each ranker at each length.")
        if any(scorer.id_map != scorers[0].id_map for scorer in scorers):
            raise ValueError("The rankers of a blend must know the same titles in the same order.")
        self.scorers, self.lengths = tuple(scorers), tuple(lengths)
        self.shares = tuple(tuple(float(share) for share in row) for row in shares)

    @classmethod
    def fixed(cls, model: Scorer, content: Scorer) -> Self:
        """Make the hybrid 0.8 model + 0.2 content, at every length."""
        return cls((model, content), [(MODEL_SHARE, CONTENT_SHARE)])

    @classmethod
    def tuned(
        cls, scorers: Sequence[Scorer], cases: Sequence[Case], lengths: Sequence[int | None] = KNOWN
    ) -> Self:
        """Choose the shares, in tenths, with the best mean NDCG@20 over validation cases, for each length."""
        if not cases:
            raise ValueError("A blend needs validation people to be tuned on.")
        found = [best_shares(scorers, cases, length) for length in lengths]
        return cls(scorers, found, [length or LENGTH_OF_ALL for length in lengths])

    @property
    def id_map(self) -> IdMap:
        """Return the titles it knows."""
        return self.scorers[0].id_map

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Return the weighted sums (len(histories), N + 1); -inf for the titles of a history."""
        known = np.array(
            [np.count_nonzero(self.id_map.indices_of(history.item_ids)) for history in histories]
        )
        where, at = np.log(np.maximum(known, 1)), np.log(self.lengths)
        total = np.zeros((len(histories), len(self.id_map) + 1), dtype=np.float32)
        for scorer, shares in zip(self.scorers, zip(*self.shares, strict=True), strict=True):
            weights = np.interp(where, at, shares).astype(np.float32)
            if weights.any():
                total += weights[:, None] * normalised(scorer, histories)
        total[_marked(self.id_map, [history.item_ids for history in histories])] = -np.inf
        return total


def normalised(scorer: Scorer, histories: Sequence[History]) -> NDArray[np.float32]:
    """Score and normalise for each person, (len(histories), N + 1); zero where a title does not count."""
    scores = np.array(scorer.scores(histories), dtype=np.float64)
    counted = np.isfinite(scores) & ~_marked(scorer.id_map, [history.item_ids for history in histories])
    n = np.maximum(counted.sum(1, keepdims=True), 1)
    scores = np.where(counted, scores, 0.0)
    centred = np.where(counted, scores - scores.sum(1, keepdims=True) / n, 0.0)
    spread = np.sqrt((centred**2).sum(1, keepdims=True) / n)
    return np.asarray(np.where(spread > 1e-9, centred / np.maximum(spread, 1e-9), 0.0), dtype=np.float32)


def best_shares(scorers: Sequence[Scorer], cases: Sequence[Case], n_known: int | None) -> tuple[float, ...]:
    """Return the shares, in tenths that sum to one, with the best NDCG@20 when `n_known` titles are told."""
    histories = [case.told(n_known) for case in cases]
    parts = torch.stack([torch.from_numpy(normalised(scorer, histories)) for scorer in scorers])
    id_map = scorers[0].id_map
    masked = torch.from_numpy(_marked(id_map, [case.known.item_ids for case in cases]))
    targets = torch.from_numpy(_marked(id_map, [case.targets for case in cases]))
    targets[:, 0] = False

    def gain(shares: tuple[int, ...]) -> float:
        scores = torch.einsum("p,pbn->bn", torch.tensor(shares) / STEPS, parts)
        return mean_ndcg(scores.masked_fill(masked, -torch.inf), targets)

    every = itertools.product(range(STEPS + 1), repeat=len(scorers))
    best = max((shares for shares in every if sum(shares) == STEPS), key=gain)
    return tuple(share / STEPS for share in best)


def _marked(id_map: IdMap, rows: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    """Mark each person's titles, and padding, (B, N + 1)."""
    marks = np.zeros((len(rows), len(id_map) + 1), dtype=bool)
    marks[:, 0] = True
    for row, item_ids in enumerate(rows):
        marks[row, id_map.indices_of(item_ids)] = True
    return marks
