"""How much each part of the score counts at each coherence of a history, found on validation people."""

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ml.checkpoint import Checkpoint
from ml.config import Mix
from ml.history import History
from ml.protocols import KNOWN, Case
from ml.ranker import Ranker

LEVELS = 5  # of coherence, as many histories in each
STEPS = 10  # shares of the parts in tenths
BEST = 6  # shares that are averaged: the best one of 66 owes its lead to chance
TEMPERATURES = np.geomspace(0.25, 16, 49)
CUTOFF = 20
TOGETHER = 256  # histories whose coherence is looked at together

Told = tuple[Case, History]  # a person, and what is told of them


@torch.inference_mode()
def find_mix(checkpoint: Checkpoint, cases: Sequence[Case]) -> Mix:
    """Search the shares of the three parts at five levels of coherence.

    Told 3, 10, 30 and all their titles, people are put in order of the coherence of what is told, and cut
    into levels. The shares of a level are those with the best NDCG@20, on all targets and on the loved ones
    alike; what ranks best is not what predicts best, so a temperature then makes the result a probability:
    that of the greatest likelihood. Takes seconds. Raises ValueError without cases.
    """
    if not cases:
        raise ValueError("A mix needs validation people with 5 titles or more.")
    ranker = Ranker(checkpoint)
    told = [(case, case.told(n)) for n in KNOWN for case in cases]
    coherence = np.concatenate(
        [
            ranker.coherence([history for _, history in told[i : i + TOGETHER]])
            for i in range(0, len(told), TOGETHER)
        ]
    )
    # Where many histories are equally coherent, those are one level.
    starts = np.unique(np.quantile(coherence, np.arange(LEVELS) / LEVELS))
    level = np.searchsorted(starts, coherence, side="right")
    found = []
    for number in np.unique(level):
        mine = np.flatnonzero(level == number)
        weights = _best_weights(*_laid_out(ranker, [told[place] for place in mine]))
        found.append([float(np.median(coherence[mine])), *weights])
    columns = zip(*([float(f"{value:.4g}") for value in row] for row in found), strict=True)
    return Mix(*(tuple(column) for column in columns))


def _laid_out(ranker: Ranker, told: Sequence[Told]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the parts of the scores (3, B, N + 1), known titles at -inf, and all and loved targets."""
    known, targets, loved = (
        _marked(ranker, rows)
        for rows in (
            [case.known.item_ids for case, _ in told],
            [case.targets for case, _ in told],
            [case.loved for case, _ in told],
        )
    )
    known[:, 0] = True
    return ranker.parts([history for _, history in told]).masked_fill(known, -torch.inf), targets, loved


def _best_weights(parts: Tensor, targets: Tensor, loved: Tensor) -> list[float]:
    """Return the weights of the parts (3, B, N + 1), masked titles at -inf, for one level."""
    spread = torch.stack([part[part.isfinite()].std() for part in parts]).clamp_min(1e-9)
    scaled = (parts / spread[:, None, None]).nan_to_num(neginf=-1e6)
    every = [s for s in itertools.product(range(STEPS + 1), repeat=3) if sum(s) == STEPS]

    def gain(shares: tuple[int, ...]) -> float:
        scores = torch.einsum("p,pbn->bn", torch.tensor(shares) / STEPS, scaled)
        return mean_ndcg(scores, targets) + mean_ndcg(scores, loved)

    shares = torch.tensor(sorted(every, key=gain)[-BEST:]).float().mean(0) / STEPS
    mixed = torch.einsum("p,pbn->bn", shares, scaled)
    temperature = max(TEMPERATURES, key=lambda t: _likelihood(float(t) * mixed, targets))
    weights: list[float] = (shares * temperature / spread).tolist()
    return weights


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


def _marked(ranker: Ranker, rows: Sequence[Sequence[int]]) -> Tensor:
    """Mark each person's titles, (B, N + 1)."""
    marks = torch.zeros(len(rows), len(ranker.id_map) + 1, dtype=torch.bool)
    for row, item_ids in enumerate(rows):
        marks[row, ranker.id_map.indices_of(item_ids)] = True
    return marks
