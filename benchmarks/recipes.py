"""The recipes of the item-item term that were tried: closed forms, and what else could stand beside them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # PyTorch's own convention

from benchmarks.folds import BINARY, SHIPPED, Fold, Said, Scores, kept, shipped_said
from ml.closed_forms import LIST_POWER, Leading, denoising_factors, denoising_weights, leading
from ml.config import TrainingConfig
from ml.protocols import KNOWN

Recipe = Callable[[Fold], Scores]
Kernel = Callable[[Tensor], Tensor]
KINDS: tuple[Said, Said] = (BINARY, (-1.0, 0.0, 1.0, 0.0))  # in the list; loved or disliked
HIDDEN = 600
GAINS = TrainingConfig()  # what a target of each reaction counts


@dataclass(frozen=True)
class Group:
    """Recipes that answer one question; the others are compared with the one that `against` names.

    A mixed group is also measured together with the shipped sparse part.
    """

    recipes: Mapping[str, Recipe]
    against: tuple[str, str] = ("sparse", "as shipped")
    mixed: bool = False
    mixed_against: tuple[str, str] = ("spectral", "as shipped")


def groups(franchises: bool = False) -> dict[str, Group]:
    """Return every group by name; franchise rows only where there are franchises."""
    return closed_form_groups(franchises) | {
        "gradient": Group(
            {
                "rate 1e-4, 1 epoch": partial(gradient, rate=1e-4, epochs=1),
                "rate 1e-4, 3 epochs": partial(gradient, rate=1e-4, epochs=3),
                "rate 1e-3, 1 epoch": partial(gradient, rate=1e-3, epochs=1),
            }
        ),
        "kernels": Group(
            {
                f"{name}, ridge {ridge}": partial(people_kernel, kernel=kernel, ridge=ridge)
                for name, kernel in (("linear", linear), ("NTK", tangent), ("RBF", radial))
                for ridge in (3.0, 10.0)
            },
            mixed=True,
        ),
        "autoencoder": Group({"Mult-DAE, 20 epochs": autoencoder}, mixed=True),
    }


def closed_form_groups(franchises: bool) -> dict[str, Group]:
    """Return the groups that differ in the closed forms' settings."""
    rows = {"franchise rows instead of content": partial(sparse, content=0.0, franchise=100.0)}
    return {
        "spectral": Group(
            {
                "as shipped": spectral,
                **{f"rank {rank}": partial(spectral, rank=rank) for rank in (128, 256, 384)},
                **{f"noise {noise}": partial(spectral, noise=float(noise)) for noise in (5, 25, 60)},
                "content rows": partial(spectral, content=100.0),
            },
            ("spectral", "as shipped"),
            True,
        ),
        "sparse": Group(
            {
                "as shipped": lambda fold: fold.shipped_sparse,
                "dense": partial(sparse, neighbours=10**6),
                **{f"{count} neighbours": partial(sparse, neighbours=count) for count in (100, 200, 800)},
            }
        ),
        "content": Group(
            {f"content {c}": partial(sparse, content=float(c)) for c in (0, 30, 300)}
            | (rows if franchises else {})
        ),
        "lists": Group({"n^0": partial(sparse, power=0.0), "n^-1": partial(sparse, power=-0.5)}),
        "inputs": Group(
            {
                "all count 1": partial(sparse, said=BINARY),
                "dislike -0.5, love 1": partial(sparse, said=(-0.5, 1.0, 1.0, 1.0)),
                "dislike 1, love 1.25": partial(sparse, said=(1.0, 1.0, 1.25, 1.0)),
                "dislike -0.5, love 1.5": partial(sparse, said=(-0.5, 1.0, 1.5, 1.0)),
            }
        ),
        "feedback": Group(
            {
                "loves and dislikes apart": partial(by_feedback, ridge=400.0),
                "the same, also by expected love": partial(by_feedback, ridge=400.0, wish=0.25),
            }
        ),
        "ease": Group({f"EASE {l2}": partial(ease, l2=float(l2)) for l2 in (100, 200, 400)}),
    }


def ease(fold: Fold, l2: float) -> Scores:
    """Score by EASE (Steck, 2019), to which every reaction is the same."""
    return fold.scores(torch.from_numpy(denoising_weights(fold.table(0.0), 0.0, l2)).float(), BINARY)


def sparse(
    fold: Fold,
    neighbours: int = SHIPPED.neighbours,
    power: float = LIST_POWER,
    content: float = SHIPPED.content,
    franchise: float = 0.0,
    said: Said | None = None,
) -> Scores:
    """Score by the sparse part with other settings."""
    weights = fold.shipped_weights
    if (power, content, franchise) != (LIST_POWER, SHIPPED.content, 0.0):
        table = fold.table(power) + content * fold.content
        if franchise:
            table = table + franchise * fold.franchise
        weights = denoising_weights(table, SHIPPED.dropout, SHIPPED.l2)
    return fold.scores(kept(weights, neighbours), said)


def spectral(
    fold: Fold, rank: int = SHIPPED.rank, noise: float = SHIPPED.noise, content: float = 0.0
) -> Scores:
    """Score by the spectral part; a smaller rank keeps the first of the same eigenvectors."""
    found: Leading = fold.leading
    if content:
        found = leading(fold.table() + content * fold.content, SHIPPED.rank, SHIPPED.shrinkage)
    factors, before, after = denoising_factors(found, rank, noise)
    inputs = {n: fold.inputs(n, shipped_said()) for n in KNOWN}
    return {n: (x * before @ factors) @ factors.T * after for n, x in inputs.items()}


def by_feedback(fold: Fold, ridge: float, wish: float = 0.0) -> Scores:
    """Score by a term with weights of their own for loves and dislikes.

    Of each title it sees two columns, that it is in the list, and a love as 1 and a dislike as -1, the second
    with a `ridge` of its own. Neither speaks for the title itself. With a `wish` a title is also ranked by
    how far it is expected to be loved.
    """
    N, reactions = fold.n_items, fold.lists()
    inverse = torch.linalg.inv(both_gram(fold, reactions, ridge))
    places = torch.arange(N)
    here, across, there = (inverse[places + i, places + j] for i, j in ((0, 0), (0, N), (N, N)))
    determinant = here * there - across.square()
    listed = -(inverse[:, :N] * there - inverse[:, N:] * across) / determinant
    loved = -(inverse[:, N:] * here - inverse[:, :N] * across) / determinant
    weights = listed + wish * loved
    weights[places, places] = weights[places + N, places] = 0
    kinds = [fold.scores(part.float(), said) for part, said in zip(weights.split(N), KINDS, strict=True)]
    return {n: kinds[0][n] + kinds[1][n] for n in KNOWN}


def both_gram(fold: Fold, reactions: Tensor, ridge: float) -> Tensor:
    """Return the regularised Gram matrix (2 N, 2 N) of the lists' columns, weighed like the shipped one."""
    columns = [torch.tensor([0.0, *said], dtype=torch.float64)[reactions] for said in KINDS]
    lengths = columns[0].sum(1)
    weights = lengths ** (2 * LIST_POWER)
    weights *= lengths.sum() / (weights * lengths).sum()
    both = torch.cat(columns, 1)
    table = (both.T * weights) @ both
    table[: fold.n_items, : fold.n_items] += SHIPPED.content * torch.from_numpy(fold.content)
    ridges = torch.tensor([SHIPPED.l2, ridge], dtype=torch.float64).repeat_interleave(fold.n_items)
    table.diagonal().mul_(1 / (1 - SHIPPED.dropout)).add_(ridges)
    return table


def linear(cosines: Tensor) -> Tensor:
    """Leave the cosine as it is: ridge regression on lists of length one."""
    return cosines


def radial(cosines: Tensor) -> Tensor:
    """Return the Gaussian kernel of unit vectors, exp(-|a - b|^2)."""
    return torch.exp(2 * (cosines - 1))


def tangent(cosines: Tensor) -> Tensor:
    """Return the neural tangent kernel of a hidden layer of infinite width (Jacot et al., 2018)."""
    c = cosines.clamp(-1, 1)
    angle = c.acos()
    step = 1 - angle / torch.pi
    return 2 * c * step + (1 - c.square()).clamp_min(0).sqrt() / torch.pi


def people_kernel(fold: Fold, kernel: Kernel, ridge: float) -> Scores:
    """Score by kernel ridge regression over people, as Sachdeva et al. (NeurIPS 2022) do with the NTK."""
    lists = (fold.lists() > 0).float()
    unit = F.normalize(lists)
    table = kernel((unit @ unit.T).clamp(-1, 1))
    table.diagonal().add_(ridge * table.diagonal().mean().item())
    weights = torch.cholesky_solve(lists, torch.linalg.cholesky(table))
    told = {n: F.normalize(fold.inputs(n, BINARY)) for n in KNOWN}
    return {n: kernel((x @ unit.T).clamp(-1, 1)) @ weights for n, x in told.items()}


def pretences(fold: Fold, epochs: int, batch: int) -> Iterator[tuple[float, Tensor, Tensor, Tensor]]:
    """Show lists with a share hidden: the time from 0 to 1, inputs, targets that sum to one, told titles.

    The last three are (B, N).
    """
    reactions = fold.lists()
    said = torch.tensor([0.0, *shipped_said()])
    gains = torch.tensor([0.0, 0.0, GAINS.like_weight, GAINS.love_weight, GAINS.watched_weight])
    for epoch in range(epochs):
        order = torch.randperm(len(reactions))
        for start in range(0, len(order), batch):
            rows = reactions[order[start : start + batch]]
            told = (torch.rand(rows.shape) < torch.rand(len(rows), 1) * 0.9 + 0.05) & (rows > 0)
            targets = gains[rows] * ~told
            targets = targets / targets.sum(1, keepdim=True).clamp_min(1e-6)
            yield (epoch + start / len(order)) / epochs, said[rows] * told, targets, told


def surprise(logits: Tensor, targets: Tensor, told: Tensor) -> Tensor:
    """Return the multinomial cross-entropy of the targets among the titles that were not told."""
    return -(targets * logits.masked_fill(told, -30.0).log_softmax(1)).sum(1).mean()


def fit(
    optimizer: torch.optim.Optimizer,
    logits: Callable[[Tensor], Tensor],
    shown: Iterable[tuple[float, Tensor, Tensor, Tensor]],
) -> None:
    """Follow the gradient of the likelihood, each rate falling to nearly zero on a cosine."""
    rates = [group["lr"] for group in optimizer.param_groups]
    for time, inputs, targets, told in shown:
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * max(0.02, 0.5 * (1 + np.cos(np.pi * time)))
        optimizer.zero_grad()
        surprise(logits(inputs), targets, told).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def gradient(fold: Fold, rate: float, epochs: int) -> Scores:
    """Train the shipped sparse weights for likelihood, from the closed form, with a bias and temperature."""
    torch.manual_seed(0)
    start = kept(fold.shipped_weights, SHIPPED.neighbours)
    weights, stored = nn.Parameter(start.clone()), start != 0
    weights.register_hook(lambda slope: slope * stored)  # type: ignore[no-untyped-call]  # cut ones stay zero
    bias, inverse_temperature = nn.Parameter(torch.zeros(fold.n_items)), nn.Parameter(torch.tensor(8.0))
    optimizer = torch.optim.Adam(
        [
            {"params": [weights], "lr": rate},
            {"params": [bias], "lr": 10 * rate},
            {"params": [inverse_temperature], "lr": 0.05},
        ],
        betas=(0.9, 0.99),
    )
    fit(optimizer, lambda x: inverse_temperature * (x @ weights) + bias, pretences(fold, epochs, 64))
    with torch.no_grad():
        found = fold.scores(weights)
        return {n: scores + bias / inverse_temperature for n, scores in found.items()}


def autoencoder(fold: Fold, epochs: int = 20) -> Scores:
    """Score by a denoising autoencoder with a multinomial likelihood (Mult-DAE; Liang et al., WWW 2018)."""
    torch.manual_seed(0)
    N = fold.n_items
    encoder, decoder = nn.Linear(N, HIDDEN), nn.Linear(HIDDEN, N)
    model = nn.Sequential(encoder, nn.Tanh(), decoder)
    for layer in (encoder, decoder):
        nn.init.xavier_uniform_(layer.weight)
    with torch.no_grad():
        decoder.bias.copy_(((fold.lists() > 0).sum(0) + 0.5).log())  # popularity is not worth epochs
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    fit(optimizer, lambda x: model(F.normalize(x)), pretences(fold, epochs, 50))
    with torch.no_grad():
        return {n: model(F.normalize(fold.inputs(n, shipped_said()))) for n in KNOWN}
