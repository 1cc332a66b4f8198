"""Cold titles: what the model knows of a title without a single rating, from what the title is.

A ridge from content vectors to what training found for the titles people know: the embedding, the bias and
the spectral part of the item-item term (as in Gantner et al., "Learning attribute-to-feature mappings for
cold-start recommendations", ICDM 2010).
"""

from dataclasses import replace

import torch
from torch import Tensor

from ml.checkpoint import Checkpoint
from ml.content import ContentMatrix, ItemContent
from ml.item_item import FACTORS, INPUTS, OUTPUTS

RIDGES = (0.03, 0.1, 0.3, 1.0, 3.0)  # content vectors have length one
HELD_OUT = 0.2  # of the known titles, to choose the ridge on
MAX_TITLES = 5_000  # that the ridge is fitted to, the most popular ones: an N x N solve


def extended(checkpoint: Checkpoint, item_ids: tuple[int, ...], content: ItemContent) -> Checkpoint:
    """Add titles like `Checkpoint.extended`, each starting where its content says instead of at the average.

    Old rows stay bit-identical. A new title without content starts as the average. The sparse part of the
    item-item term says nothing about a new title. Takes seconds.
    """
    longer = checkpoint.extended(item_ids)
    n_old, n_new = len(checkpoint.id_map), len(longer.id_map) - len(checkpoint.id_map)
    vectors = ContentMatrix(content).rows(longer.id_map)  # (N + 1, F)
    has_content = torch.zeros(len(longer.id_map) + 1, dtype=torch.bool)
    has_content[vectors.indices()[0]] = True
    counts = checkpoint.item_counts * has_content[: n_old + 1]
    known = counts.argsort(descending=True, stable=True)[: min(MAX_TITLES, int((counts > 0).sum()))]
    new = n_old + 1 + has_content[n_old + 1 :].nonzero()[:, 0]
    if not n_new or not len(new) or len(known) < 2:
        return longer
    found = predicted(_rows(vectors, known), _learned(checkpoint)[known], _rows(vectors, new))
    return _with(longer, new, found)


def predicted(vectors: Tensor, learned: Tensor, new: Tensor) -> Tensor:
    """Predict what new titles would have learned, (M, T): a ridge from `vectors` (K, F) to `learned` (K, T).

    `vectors` and `new` (M, F) are sparse. The ridge with the least squared error on a fifth of the titles,
    held out at random, is fitted to all of them (in the dual, so that it costs K^3 whatever F is).
    """
    features = vectors.to_dense().T  # (F, K)
    gram = torch.sparse.mm(vectors, features)
    order = torch.randperm(len(learned), generator=torch.Generator().manual_seed(0))
    n_held = max(round(HELD_OUT * len(learned)), 1)
    held, rest = order[:n_held], order[n_held:]
    scale = learned.std(0).clamp_min(1e-9)  # so that every number learned has the same say in the choice

    def error(ridge: float) -> float:
        guess = _ridge(gram[rest][:, rest], learned[rest], gram[held][:, rest], ridge)
        return float(((guess - learned[held]) / scale).square().mean())

    return _ridge(gram, learned, torch.sparse.mm(new, features), min(RIDGES, key=error))


def _ridge(gram: Tensor, learned: Tensor, across: Tensor, ridge: float) -> Tensor:
    """Solve the dual of a ridge around the mean: across (M, K) (gram (K, K) + ridge)^-1 learned (K, T)."""
    mean = learned.mean(0)
    factor = torch.linalg.cholesky(gram + ridge * torch.eye(len(gram)))
    return mean + across @ torch.cholesky_solve(learned - mean, factor)


def _learned(checkpoint: Checkpoint) -> Tensor:
    """Put side by side what training found for every title: (N + 1, D + 1 + R)."""
    term = checkpoint.item_item.tensors
    spectral = term[FACTORS] * term[OUTPUTS][:, None]
    return torch.cat([checkpoint.weights["items.weight"], checkpoint.weights["bias"][:, None], spectral], 1)


def _with(longer: Checkpoint, new: Tensor, found: Tensor) -> Checkpoint:
    """Write predictions (M, D + 1 + R) into the rows `new` (M,) of an extended checkpoint."""
    width = longer.config.width
    table, bias = longer.weights["items.weight"].clone(), longer.weights["bias"].clone()
    table[new], bias[new] = found[:, :width], found[:, width]
    term = {name: longer.item_item.tensors[name].clone() for name in (FACTORS, INPUTS, OUTPUTS)}
    known = term[OUTPUTS] > 0
    if (
        known.any()
    ):  # the factors of a new title hold its output already; what it says is that of a typical one
        ratio = (term[INPUTS][known] / term[OUTPUTS][known]).median()
        term[FACTORS][new], term[OUTPUTS][new], term[INPUTS][new] = found[:, width + 1 :], 1.0, ratio
    return replace(
        longer,
        weights=longer.weights | {"items.weight": table, "bias": bias},
        item_item=replace(longer.item_item, tensors=longer.item_item.tensors | term),
    )


def _rows(matrix: Tensor, rows: Tensor) -> Tensor:
    """Pick rows of a sparse matrix."""
    return torch.index_select(matrix, 0, rows).coalesce()
