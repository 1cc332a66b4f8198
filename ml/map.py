"""The learned spaces on paper: titles in two dimensions by PCA and by t-SNE, feedback and times by PCA.

t-SNE is the exact one: a few thousand titles need no tree, and its whole arithmetic is a few products of
matrices, for which PyTorch is there already.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.checkpoint import Checkpoint
from ml.feedback import Feedback
from ml.index import normalised

Points = NDArray[np.float32]  # (N, 2)

MOST_TITLES = 3_000  # the most popular: a phone pans them smoothly, t-SNE takes a minute or two of a core
PERPLEXITY = 30.0
STEPS, EXAGGERATED = 400, 100  # the first of them pull the clusters together
EXAGGERATION = 12.0


@dataclass(frozen=True)
class ItemMap:
    """Where titles stand, (N, 2) each, between -1 and 1, in the order of `item_ids`; where contexts do."""

    item_ids: list[int]
    pca: Points
    tsne: Points
    feedback: Points  # of `Feedback`'s four reactions
    times: Points  # (T, 2) of the time bins that hold a date, oldest first


def draw(checkpoint: Checkpoint, *, steps: int = STEPS) -> ItemMap:
    """Draw the map of a checkpoint; the same one each time, on the same machine."""
    model = checkpoint.served_model()
    first, last = checkpoint.config.time_first, checkpoint.config.time_last
    counts = checkpoint.item_counts.numpy()[1:]
    chosen = np.sort(np.argsort(-counts, kind="stable")[:MOST_TITLES])
    vectors = normalised(model.items.weight.detach().numpy()[1:][chosen])
    plane = pca(vectors)
    return ItemMap(
        [checkpoint.id_map.ids[place] for place in chosen],
        fitted(plane),
        fitted(tsne(vectors, plane, steps=steps)),
        fitted(pca(model.feedback.weight.detach().numpy()[[f for f in Feedback if f]])),
        fitted(pca(model.times.weight.detach().numpy()[first : last + 1])),
    )


def pca(vectors: NDArray[np.float32]) -> Points:
    """Project vectors (N, D) on their two main directions, (N, 2); each points to its heavier end."""
    if not len(vectors):
        return np.zeros((0, 2), dtype=np.float32)
    centred = vectors - vectors.mean(0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((len(vectors), 2), dtype=np.float32)
    found = centred @ directions[:2].T
    found *= np.where((found**3).sum(0) < 0, -1, 1)
    plane[:, : found.shape[1]] = found
    return plane


def fitted(points: Points) -> Points:
    """Move points to the middle and scale them to -1..1, both directions alike."""
    if not len(points):
        return points
    middle = (points.max(0) + points.min(0)) / 2
    answer: Points = (points - middle) / max(float(np.abs(points - middle).max()), 1e-9)
    return answer


@torch.inference_mode()
def tsne(vectors: NDArray[np.float32], start: Points, *, steps: int = STEPS) -> Points:
    """Return t-SNE (van der Maaten and Hinton, 2008) of unit vectors (N, D) from a start (N, 2).

    With early exaggeration, momentum and gains as there, and a start from PCA (Kobak and Berens, 2019), so
    that the whole keeps its layout. N squared in time and memory.
    """
    n = len(vectors)
    if n < 4:
        return start
    wanted = neighbourhoods(torch.from_numpy(vectors), min(PERPLEXITY, (n - 1) / 3))
    y = torch.from_numpy(start / max(float(start[:, 0].std()), 1e-9) * 1e-4)
    step, gains = torch.zeros_like(y), torch.ones_like(y)
    rate = max(n / EXAGGERATION, 50.0)
    for number in range(steps):
        exaggerated = number < min(EXAGGERATED, steps // 4)
        gradient = _gradient(wanted, y, EXAGGERATION if exaggerated else 1.0)
        same = (gradient > 0) == (step > 0)
        gains = torch.where(same, gains * 0.8, gains + 0.2).clamp_min(0.01)
        step = (0.5 if exaggerated else 0.8) * step - rate * gains * gradient
        y = y + step
    answer: Points = y.numpy()
    return answer


def _gradient(wanted: Tensor, y: Tensor, exaggeration: float) -> Tensor:
    """Return the gradient of the divergence at y (N, 2)."""
    squares = (y * y).sum(1)
    near = (squares[:, None] + squares - 2 * y @ y.T).clamp_min_(0).add_(1).reciprocal_().fill_diagonal_(0)
    pull = (wanted * exaggeration).sub_(near / near.sum()).mul_(near)
    return 4 * (pull.sum(1, keepdim=True) * y - pull @ y)


def neighbourhoods(vectors: Tensor, perplexity: float) -> Tensor:
    """Return how much each pair belongs together, (N, N), summing to 1: Gaussians of an even perplexity."""
    squares = (vectors * vectors).sum(1)
    distances = (squares[:, None] + squares - 2 * vectors @ vectors.T).clamp_min_(0).fill_diagonal_(math.inf)
    low, high = torch.zeros(len(vectors), 1), torch.full((len(vectors), 1), 1e4)
    for _ in range(40):
        sharpness = (low + high) / 2
        chances = (-distances * sharpness).softmax(1)
        entropy = -(chances * chances.clamp_min(1e-12).log()).sum(1, keepdim=True)
        too_even = entropy > math.log(perplexity)
        low, high = torch.where(too_even, sharpness, low), torch.where(too_even, high, sharpness)
    return (chances + chances.T) / (2 * len(vectors))
