"""Where training starts: popularity in the biases, a spectral map of the titles in their embeddings."""

import torch
from torch import Tensor

from ml.baselines import gram
from ml.data import Dataset
from ml.sasrec import SASRec

MAX_ITEMS = 20_000  # beyond, the dense N x N table is too dear and training starts from random embeddings
LIST_POWER = -0.25  # a list of n titles weighs n ** -0.25 for each: long lists say less about a pair
POPULARITY_POWER = -0.3  # and popular titles less
SPECTRUM_POWER = 0.25
NORM_POWER = -0.5  # halfway to rows of equal length


@torch.no_grad()
def pretrain(model: SASRec, dataset: Dataset) -> None:
    """Set biases to log popularity and item embeddings to `spectral_vectors`, from training rows only."""
    model.bias.copy_((torch.from_numpy(dataset.item_counts()) + 0.5).log())
    if model.config.width < dataset.n_items <= MAX_ITEMS:
        model.items.weight[1:] = spectral_vectors(dataset, model.config.width)


def spectral_vectors(dataset: Dataset, width: int) -> Tensor:
    """Factorise the titles' co-occurrence into vectors (N, width) of root-mean-square length one.

    The leading eigenvectors of the damped Gram matrix as in PureSVD (Cremonesi et al., 2010) without the
    first one, which is popularity again. An inner product with the average of a history's vectors ranks well
    already, and the first block starts as just that average, so training begins from a decent ranker instead
    of from noise.
    """
    table = torch.from_numpy(gram(dataset, LIST_POWER)).float()
    damping = (table.diagonal() + 1e-3) ** POPULARITY_POWER
    table *= damping[:, None] * damping
    rank = min(width + 1, dataset.n_items)
    left, spectrum, _ = torch.svd_lowrank(table, q=min(rank + 32, dataset.n_items), niter=4)
    vectors = left[:, 1:rank] * spectrum[1:rank] ** SPECTRUM_POWER
    vectors = vectors * vectors.norm(dim=1, keepdim=True).clamp_min(1e-6) ** NORM_POWER
    padded = torch.zeros(dataset.n_items, width)
    padded[:, : rank - 1] = vectors
    return padded / padded.square().sum(1).mean().sqrt().clamp_min(1e-6)
