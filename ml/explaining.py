"""Why a title is there: leave-one-out over the events of a history."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.encoding import FEEDBACK, ITEM, POSITION
from ml.mixed_score import Encoded, MixedScore

MAX_CAUSES = 16  # events of a history that may be named as a cause


@dataclass(frozen=True)
class Cause:
    """An event of the history, and by how much a title's log-probability falls when it is taken away."""

    item_id: int
    feedback: int
    drop: float


@dataclass(frozen=True)
class Drops:
    """The tried events of a history, `items` and `feedback` (C,), and the `falls` (C, T) of T titles."""

    items: list[int]
    feedback: list[int]
    falls: Tensor


def leave_one_out(
    score: MixedScore,
    encoded: Encoded,
    indices: Sequence[int],
    without: Tensor,
    among: Tensor | None = None,
    also: Collection[int] = (),
) -> Drops:
    """Return by how much the log-probability of each title (T,) falls without each of the tried events.

    A log-probability is over the titles outside the whole history: all of them, or those `among` (M,) that
    were retrieved, ascending, with the asked ones. `without` (1, N + 1 or M) are the scores when nothing is
    known: what is left of SASRec's part without an only event. Events of the titles `also` are tried too.
    """
    weights = score.weights([encoded])[:, :, 0]
    titles = torch.tensor(indices)
    telling = _most_telling(score.said(encoded, weights, titles)).numpy()
    asked_for = np.flatnonzero(np.isin(encoded[ITEM], list(also)))
    encoded, tried = _loose_last(encoded, np.union1d(telling, asked_for))
    if encoded.shape[1] > 1:
        scores = score.sasrec(score.states_without_each(encoded, tried.tolist()), among)
    else:
        scores = torch.cat([score.sasrec(score.states([encoded]), among), without])
    scores.mul_(weights[0]).add_(score.linear(encoded, weights, among))
    scores[1:] -= score.said(encoded[:, tried.numpy()], weights, among)
    scores[:, _columns(torch.tensor(encoded[ITEM]), among)] = -math.inf
    if among is None:
        scores[:, 0] = -math.inf
    columns = _columns(titles, among)
    asked = scores[:, columns] - scores.logsumexp(1, keepdim=True)
    events = encoded[:, tried.numpy()]
    return Drops(events[ITEM].tolist(), events[FEEDBACK].tolist(), asked[0] - asked[1:])


def _columns(titles: Tensor, among: Tensor | None) -> Tensor:
    """Return where titles stand among the scored ones; those that are not scored are left out."""
    if among is None:
        return titles
    places = torch.searchsorted(among, titles).clamp_max(len(among) - 1)
    return places[among[places] == titles]


def _most_telling(said: Tensor) -> Tensor:
    """Choose the events, of what they say (L, T), that say most for one of the titles; places, ascending.

    Every title's first event comes before any title's second; the newer of equals first.
    """
    shares = said / said.amax(0).clamp_min(1e-9) if said.shape[1] else said.new_zeros(len(said), 1)
    order = shares.amax(1).flip(0).argsort(descending=True, stable=True)[:MAX_CAUSES]
    return (len(said) - 1 - order).sort().values


def _loose_last(encoded: Encoded, tried: NDArray[np.int64]) -> tuple[Encoded, Tensor]:
    """Move the tried events of a set to its end: it has no order, and what comes before is computed once."""
    loose = encoded[POSITION] == 0
    is_tried = np.zeros(len(loose), dtype=bool)
    is_tried[tried] = True
    order = np.argsort(np.where(loose, is_tried, 2), kind="stable")
    return encoded[:, order], torch.from_numpy(np.flatnonzero(is_tried[order]))
