"""How the item-item term is learned: closed forms over the Gram matrix of lists, none of them by gradients.

Both parts solve the denoising autoencoder of Steck ("Autoencoders that don't overfit towards the identity",
NeurIPS 2020): P = (G + a diag(G) + l2)^-1, B = -P / diag(P) with a zero diagonal, where a = p / (1 - p) and p
is the share of a list that training pretends not to know. A short list needs a large p, a long one a small p:
a matrix fitted to whole lists expects the evidence of a whole list.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # PyTorch's own convention

from ml.baselines import gram
from ml.config import ItemItemConfig
from ml.content import ContentMatrix
from ml.data import Dataset
from ml.item_item import FACTORS, INPUTS, OFFSETS, OUTPUTS, SAID, TARGETS, VALUES, ItemItem

Array = NDArray[np.float64]
LIST_POWER = -0.25  # a list of n titles counts n ** -0.5 for each pair of them: long lists say less of a pair
SPARE = 32  # columns the randomised factorisation works with beyond those it keeps


def learn_item_item(dataset: Dataset, config: ItemItemConfig) -> ItemItem:
    """Solve both parts from everybody's lists: about N^3 operations, seconds for 4,000 titles.

    Where the data has content, the sparse part sees every feature of the titles as one more list of those
    that have it (Jeunen et al., "Closed-form models for collaborative filtering with side-information",
    RecSys 2020): kin that few people have in common still speak for each other.
    """
    table, likeness = list_gram(dataset), content_gram(dataset)
    shown = table if likeness is None else table + config.content * likeness
    weights = denoising_weights(shown, config.dropout, config.l2)
    offsets, targets, values = sparse_part(weights, config.neighbours)
    factors, inputs, outputs = spectral_part(table, config)
    said = torch.tensor([0.0, config.dislike, config.like, config.love, config.watched])
    return ItemItem(
        {
            OFFSETS: F.pad(offsets, (1, 0)),
            TARGETS: (targets + 1).to(torch.int16 if len(table) < 2**15 else torch.int32),
            VALUES: values,
            FACTORS: F.pad(factors, (0, 0, 1, 0)),
            INPUTS: F.pad(inputs, (1, 0)),
            OUTPUTS: F.pad(outputs, (1, 0)),
            SAID: said,
        }
    )


def list_gram(dataset: Dataset) -> Array:
    """Return G (N, N), the people of each pair of titles, weighed by list length, one an event on average."""
    roots = np.sqrt(dataset.lengths)
    scale = float(dataset.lengths.sum() / max(roots.sum(), 1.0))
    return gram(dataset, LIST_POWER) * scale


def content_gram(dataset: Dataset) -> Array | None:
    """Return how alike the titles' contents are (N, N), one for equal ones; None for data without content."""
    if dataset.content is None:
        return None
    rows = ContentMatrix(dataset.content).rows(dataset.id_map).to_dense()[1:].double()
    likeness: Array = (rows @ rows.T).numpy()
    return likeness


def denoising_weights(table: Array, dropout: float, l2: float) -> Array:
    """Return the closed form B (N, N) for a Gram matrix (N, N), dropout p in 0..1 and a ridge of `l2`.

    With p = 0 this is EASE (Steck, 2019). B[i, j] is what title i says about title j.
    """
    ridge = dropout / (1 - dropout) * np.diag(table) + l2
    inverse = np.linalg.inv(table + np.diag(ridge))
    weights: Array = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return weights


def sparse_part(weights: Array, neighbours: int) -> tuple[Tensor, Tensor, Tensor]:
    """Keep the `neighbours` largest |weights| towards each title, by giving title.

    Return offsets (N + 1,), targets (E,) counted from 0, and values (E,). What is cut away would add little
    to whole lists (docs/benchmarks.md) and make the checkpoint several times as large.
    """
    N = len(weights)
    n_kept = min(neighbours, N - 1)
    givers = np.argpartition(-np.abs(weights), n_kept, axis=0)[:n_kept] if n_kept else np.empty((0, N), int)
    targets = np.broadcast_to(np.arange(N), givers.shape).ravel()
    order = np.lexsort((targets, givers.ravel()))
    giver, target = givers.ravel()[order], targets[order]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(giver, minlength=N))])
    values = torch.from_numpy(weights[giver, target]).float()
    return torch.from_numpy(offsets), torch.from_numpy(target), values


def spectral_part(table: Array, config: ItemItemConfig) -> tuple[Tensor, Tensor, Tensor]:
    """Solve the closed form for a dropout near one in the leading eigenvectors: factors, inputs, outputs.

    Cutting small weights costs much here, so this part is kept as (N, R) factors instead.
    """
    return denoising_factors(leading(table, config.rank, config.shrinkage), config.rank, config.noise)


@dataclass(frozen=True)
class Leading:
    """Eigenvectors (N, R) and eigenvalues (R,), largest first, of D^-1/2 G D^-1/2; D^-1/2 (N,), the trace."""

    vectors: Tensor
    values: Tensor
    scale: Tensor
    trace: Tensor


def leading(table: Array, rank: int, shrinkage: float) -> Leading:
    """Factorise a Gram matrix (N, N) with D = diag(G) + shrinkage; most of the work of the spectral part."""
    scale = torch.from_numpy(1 / np.sqrt(np.diag(table) + shrinkage)).float()
    normal = torch.from_numpy(table).float() * scale[:, None] * scale
    rank = min(rank, len(table))
    vectors, values, _ = torch.svd_lowrank(normal, q=min(rank + SPARE, len(table)), niter=4)
    return Leading(vectors[:, :rank], values[:rank], scale, normal.trace())


def denoising_factors(found: Leading, rank: int, noise: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return factors (N, R), inputs (N,) and outputs (N,) of the closed form from at most `rank` vectors.

    With D^-1/2 G D^-1/2 = V e V', P = D^-1/2 V (e + noise)^-1 V' D^-1/2, where noise = p / (1 - p). The
    eigenvalues beyond the rank are taken as their mean.
    """
    vectors, values = found.vectors[:, :rank], found.values[:rank]
    N, R = vectors.shape
    rest = (found.trace - values.sum()).clamp_min(0) / max(N - R, 1)
    gains = noise * (1 / (rest + noise) - 1 / (values + noise)).clamp_min(0)
    factors = vectors * gains.sqrt()
    inverse_diagonal = noise / (rest + noise) - factors.square().sum(1)  # times noise and 1 / D
    return factors, found.scale, 1 / (found.scale * inverse_diagonal)
