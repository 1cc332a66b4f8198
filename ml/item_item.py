"""The item-item term: linear scores x B from two closed forms of B, one sparse and one of low rank.

Both solve the denoising autoencoder of Steck ("Autoencoders that don't overfit towards the identity", NeurIPS
2020): P = (G + a diag(G) + l2)^-1 with G = X'X, B = -P / diag(P) with a zero diagonal, where a = p / (1 - p)
and p is the share of a list that training pretends not to know. A short list needs a large p, a long one a
small p: a matrix fitted to whole lists expects the evidence of a whole list.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # PyTorch's own convention

from ml.config import ItemItemConfig
from ml.feedback import Feedback

Array = NDArray[np.float64]
MAX_ITEMS = 20_000  # beyond, the dense N x N table is too dear and there is no term
SPARE = 32  # columns the randomised factorisation works with beyond those it keeps
OFFSETS, TARGETS, VALUES, FACTORS, INPUTS, OUTPUTS, SAID = (
    "offsets", "targets", "values", "factors", "inputs", "outputs", "said",
)  # fmt: skip


@dataclass(frozen=True)
class ItemItem:
    """The term's tensors by name, N titles, R factors, E stored weights; row 0 (padding) is all zero.

    Sparse part: title i gives values[e] to targets[e] for e in offsets[i]:offsets[i + 1]; `offsets` (N + 2,)
    int64, `targets` (E,) int16 (int32 beyond 32,767 titles), `values` (E,). Spectral part: title i gives
    inputs[i] * factors[i] . factors[j] * outputs[j] to title j; `factors` (N + 1, R), the others (N + 1,).
    `said` (5,) is what an event counts by its feedback, below zero for a dislike.
    """

    tensors: dict[str, Tensor]

    @classmethod
    def nothing(cls, n_items: int) -> Self:
        """Return a term that says nothing, for a model without one."""
        flat = torch.zeros(n_items + 1)
        return cls(
            {
                OFFSETS: torch.zeros(n_items + 2, dtype=torch.int64),
                TARGETS: torch.zeros(0, dtype=torch.int16),
                VALUES: torch.zeros(0),
                FACTORS: torch.zeros(n_items + 1, 0),
                INPUTS: flat,
                OUTPUTS: flat.clone(),
                SAID: torch.zeros(len(Feedback)),
            }
        )

    @classmethod
    def learn(cls, table: Array, config: ItemItemConfig) -> Self:
        """Solve both parts for a Gram matrix (N, N): about N^3 operations, seconds for 4,000 titles."""
        N = len(table)
        weights = denoising_weights(table, config.dropout, config.l2)
        offsets, targets, values = sparse_part(weights, config.neighbours)
        factors, inputs, outputs = spectral_part(table, config)
        small = torch.int16 if N < 2**15 else torch.int32
        said = torch.tensor([0.0, config.dislike, config.like, config.love, config.watched])
        return cls(
            {
                OFFSETS: F.pad(offsets, (1, 0)),
                TARGETS: (targets + 1).to(small),
                VALUES: values,
                FACTORS: F.pad(factors, (0, 0, 1, 0)),
                INPUTS: F.pad(inputs, (1, 0)),
                OUTPUTS: F.pad(outputs, (1, 0)),
                SAID: said,
            }
        )

    @property
    def n_items(self) -> int:
        """Count the titles, without padding."""
        return len(self.tensors[OFFSETS]) - 2

    def extended(self, n_new: int) -> "ItemItem":
        """Add titles about which the term says nothing; all that was there stays bit-identical."""
        longer = {
            name: torch.cat([self.tensors[name], self.tensors[name].new_zeros(n_new, *shape)])
            for name, shape in ((FACTORS, self.tensors[FACTORS].shape[1:]), (INPUTS, ()), (OUTPUTS, ()))
        }
        offsets = self.tensors[OFFSETS]
        return ItemItem(self.tensors | longer | {OFFSETS: torch.cat([offsets, offsets[-1:].expand(n_new)])})

    def as_float32(self) -> "ItemItem":
        """Return the term with float32 numbers, as it computes."""
        return ItemItem({n: t.float() if t.is_floating_point() else t for n, t in self.tensors.items()})

    def scores(
        self, items: Tensor, feedback: Tensor, rows: Tensor, n_rows: int, titles: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Add up what events say about every title, by the sparse and spectral part: each (n_rows, N + 1).

        `items` and `feedback` (E,) are the events, `rows` (E,) where each is added: the number of the person,
        or of the event to keep them apart. With `titles` (T,) only about these: (n_rows, T). What a title's
        own event says about it means nothing: a history's titles are never ranked.
        """
        weights = self.tensors[SAID][feedback]
        sparse = self._sparse(items, weights, rows, n_rows)
        factors, outputs = self.tensors[FACTORS], self.tensors[OUTPUTS]
        states = factors.new_zeros(n_rows, factors.shape[1])
        states.index_add_(0, rows, factors[items] * (weights * self.tensors[INPUTS][items])[:, None])
        if titles is not None:
            sparse, factors, outputs = sparse[:, titles], factors[titles], outputs[titles]
        return sparse, states @ factors.T * outputs

    def _sparse(self, items: Tensor, weights: Tensor, rows: Tensor, n_rows: int) -> Tensor:
        starts = self.tensors[OFFSETS][items]
        lengths = self.tensors[OFFSETS][items + 1] - starts
        event = torch.repeat_interleave(lengths)
        entry = torch.arange(len(event)) + (starts - lengths.cumsum(0) + lengths)[event]
        width = self.n_items + 1
        sums = torch.zeros(n_rows * width)
        places = rows[event] * width + self.tensors[TARGETS][entry]
        sums.index_add_(0, places, self.tensors[VALUES][entry] * weights[event])
        return sums.view(n_rows, width)

    def problem(self, n_items: int) -> str | None:
        """Say what does not fit together, or None: read from a file, nothing may be taken on trust."""
        wanted, found = _kinds(ItemItem.nothing(n_items)), _kinds(self)
        if found != wanted:
            return ", ".join(sorted({f"item_item.{name}" for name, *_ in found ^ wanted}))
        offsets, targets = self.tensors[OFFSETS], self.tensors[TARGETS]
        in_order = int(offsets[0]) == 0 and bool((offsets.diff() >= 0).all())
        if not in_order or not int(offsets[-1]) == len(targets) == len(self.tensors[VALUES]):
            return "item_item.offsets"
        strange = len(targets) and not 1 <= int(targets.min()) <= int(targets.max()) <= n_items
        return "item_item.targets" if strange else None


def _kinds(term: ItemItem) -> set[tuple[str, bool, int, int | None]]:
    """Describe the tensors: name, whether they hold fractions, dimensions, and length where N decides it."""
    free = (TARGETS, VALUES)
    return {
        (name, tensor.is_floating_point(), tensor.ndim, None if name in free else len(tensor))
        for name, tensor in term.tensors.items()
    }


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

    Return offsets (N + 1,), targets (E,) counted from 0, and values (E,). Less is more here: the many small
    weights are mostly noise.
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

    With D = diag(G) + shrinkage and D^-1/2 G D^-1/2 = V e V', P = D^-1/2 V (e + noise)^-1 V' D^-1/2, where
    noise = p / (1 - p). The eigenvalues beyond the rank are taken as their mean. Cutting small weights costs
    much here, so this part is kept as (N, R) factors instead.
    """
    N = len(table)
    scale = torch.from_numpy(1 / np.sqrt(np.diag(table) + config.shrinkage)).float()
    normal = torch.from_numpy(table).float() * scale[:, None] * scale
    rank = min(config.rank, N)
    vectors, spectrum, _ = torch.svd_lowrank(normal, q=min(rank + SPARE, N), niter=4)
    vectors, spectrum = vectors[:, :rank], spectrum[:rank]
    rest = (normal.trace() - spectrum.sum()).clamp_min(0) / max(N - rank, 1)
    gains = config.noise * (1 / (rest + config.noise) - 1 / (spectrum + config.noise)).clamp_min(0)
    factors = vectors * gains.sqrt()
    inverse_diagonal = config.noise / (rest + config.noise) - factors.square().sum(1)  # times noise and 1 / D
    return factors, scale, 1 / (scale * inverse_diagonal)
