"""The search for a mix: which parts of the score it trusts, and how sure the result is of itself."""

import numpy as np
import pytest
import torch

from ml.mixing import _best_weights, mean_ndcg

B, N, WANTED = 60, 40, 4  # people, titles, and how many of these each wants
NAMES = ("sasrec", "sparse", "spectral")


def wants(seed: int) -> torch.Tensor:
    """Draw what people want, (B, N + 1)."""
    torch.manual_seed(seed)
    order = torch.rand(B, N).argsort(1)
    return torch.cat([torch.zeros(B, 1, dtype=torch.bool), order < WANTED], 1)


def parts_of(targets: torch.Tensor, sure: tuple[float, float, float]) -> torch.Tensor:
    """Make parts (3, B, N + 1) that are noise, and raise what people want by so much: 0 knows nothing."""
    parts = torch.randn(3, *targets.shape) + torch.tensor(sure)[:, None, None] * targets
    parts[:, :, 0] = -torch.inf
    return parts


def shares(weights: list[float], parts: torch.Tensor) -> np.ndarray:
    """Return how much each part counts for the order, from 0 to 1."""
    spread = torch.stack([part[part.isfinite()].std() for part in parts]).numpy()
    return np.array(weights) * spread / (np.array(weights) * spread).sum()


def mixed(weights: list[float], parts: torch.Tensor) -> torch.Tensor:
    return (torch.tensor(weights)[:, None, None] * parts.nan_to_num(neginf=-1e6)).sum(0)


@pytest.mark.parametrize("knowing", range(3), ids=NAMES)
def test_the_part_that_knows_what_people_want_counts_most(knowing):
    targets = wants(seed=knowing)
    parts = parts_of(targets, tuple(2.0 * (part == knowing) for part in range(3)))
    weights = _best_weights(parts, targets, targets)
    assert shares(weights, parts)[knowing] > 0.75
    alone = mean_ndcg(parts[knowing].nan_to_num(neginf=-1e6), targets)
    assert mean_ndcg(mixed(weights, parts), targets) > alone - 0.03


def test_parts_that_know_different_things_rank_better_together_than_any_alone():
    targets = wants(seed=4)
    parts = parts_of(targets, (1.2, 1.2, 0.0))
    weights = _best_weights(parts, targets, targets)
    sasrec, sparse, spectral = shares(weights, parts)
    assert sasrec > 0.3
    assert sparse > 0.3
    assert spectral < 0.2
    alone = [mean_ndcg(part.nan_to_num(neginf=-1e6), targets) for part in parts]
    assert mean_ndcg(mixed(weights, parts), targets) > max(alone) + 0.02
