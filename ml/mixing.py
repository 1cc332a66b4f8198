"""How much each part of the score counts at each history length, found on validation people."""

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ml.checkpoint import Checkpoint
from ml.config import Mix
from ml.protocols import KNOWN, Case
from ml.ranker import Ranker

STEPS = 10  # shares of the parts in tenths
BEST = 6  # shares that are averaged: the best one of 66 owes its lead to chance
LENGTH_OF_ALL = 100  # where the weights found with whole lists stand
TEMPERATURES = np.geomspace(0.25, 16, 49)
CUTOFF = 20


@torch.inference_mode()
def find_mix(checkpoint: Checkpoint, cases: Sequence[Case]) -> Mix:
    """Search the shares of the three parts at every history length of the protocol.

    The shares are those with the best NDCG@20, on all targets and on the loved ones alike; what ranks best is
    not what predicts best, so a temperature then makes the result a probability: that of the greatest
    likelihood. Takes seconds. Raises ValueError without cases.
    """
    if not cases:
        raise ValueError("A mix needs validation people with 5 titles or more.")
    ranker = Ranker(checkpoint)
    known, targets, loved = (
        _marked(checkpoint, rows)
        for rows in ([c.known.item_ids for c in cases], [c.targets for c in cases], [c.loved for c in cases])
    )
    known[:, 0] = True
    found = []
    for n in KNOWN:
        parts = ranker.parts([case.told(n) for case in cases]).masked_fill(known, -torch.inf)
        found.append(_best_weights(parts, targets, loved))
    columns = zip(*found, strict=True)
    return Mix(tuple(n or LENGTH_OF_ALL for n in KNOWN), *(tuple(column) for column in columns))


def _best_weights(parts: Tensor, targets: Tensor, loved: Tensor) -> list[float]:
    """Return the weights of the parts (3, B, N + 1), masked titles at -inf, for one history length."""
    spread = torch.stack([part[part.isfinite()].std() for part in parts]).clamp_min(1e-9)
    scaled = (parts / spread[:, None, None]).nan_to_num(neginf=-1e6)
    every = [s for s in itertools.product(range(STEPS + 1), repeat=3) if sum(s) == STEPS]

    def gain(shares: tuple[int, ...]) -> float:
        scores = torch.einsum("p,pbn->bn", torch.tensor(shares) / STEPS, scaled)
        return mean_ndcg(scores, targets) + mean_ndcg(scores, loved)

    shares = torch.tensor(sorted(every, key=gain)[-BEST:]).float().mean(0) / STEPS
    mixed = torch.einsum("p,pbn->bn", shares, scaled)
    temperature = max(TEMPERATURES, key=lambda t: _likelihood(float(t) * mixed, targets))
    return [float(f"{weight:.4g}") for weight in (shares * temperature / spread).tolist()]


def mean_ndcg(scores: Tensor, targets: Tensor) -> float:
    """Return NDCG@20 averaged over the people who have a target; scores and marks are (B, N + 1)."""
    k = min(CUTOFF, scores.shape[1])
    hits = targets.gather(1, scores.topk(k, dim=1).indices)
    discounts = 1 / torch.arange(2, k + 2).log2()
    counts = targets.sum(1)
    ideal = discounts.cumsum(0)[(counts.clamp(1, k) - 1)]
    values = ((hits * discounts).sum(1) / ideal)[counts > 0]
    return float(values.mean()) if len(values) else 0.0


def _likelihood(scores: Tensor, targets: Tensor) -> float:
    """Return the mean log-probability of a target, each person counting alike."""
    per_person = (scores.log_softmax(1) * targets).sum(1) / targets.sum(1).clamp_min(1)
    return float(per_person.mean())


def _marked(checkpoint: Checkpoint, rows: Sequence[Sequence[int]]) -> Tensor:
    """Mark each person's titles, (B, N + 1)."""
    marks = torch.zeros(len(rows), len(checkpoint.id_map) + 1, dtype=torch.bool)
    for row, item_ids in enumerate(rows):
        marks[row, checkpoint.id_map.indices_of(item_ids)] = True
    return marks
