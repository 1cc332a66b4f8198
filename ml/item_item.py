"""The item-item term: linear scores x B from two closed forms of B, one sparse and one of low rank."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.feedback import Feedback
from ml.title_table import TitleTable

MAX_ITEMS = 20_000  # beyond, the dense N x N table is too dear and there is no term
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

    def __getstate__(self) -> dict[str, Any]:
        """Travel between processes without what was packed from the tensors."""
        return {"tensors": self.tensors}

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

    @property
    def n_items(self) -> int:
        """Count the titles, without padding."""
        return len(self.tensors[OFFSETS]) - 2

    @property
    def is_silent(self) -> bool:
        """Tell whether the term has nothing to say about any title."""
        return not len(self.tensors[VALUES]) and not self.tensors[FACTORS].shape[1]

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
        if self.is_silent:
            width = self.n_items + 1 if titles is None else len(titles)
            return torch.zeros(n_rows, width), torch.zeros(n_rows, width)
        factors, (said, inputs, outputs) = self._factors, self._scales
        weights = said[feedback]
        gains, vectors = weights * inputs[items], factors.vectors(items)
        if n_rows == 1:
            states = gains[None] @ vectors
        else:
            states = torch.zeros(n_rows, vectors.shape[1]).index_add_(0, rows, vectors.mul_(gains[:, None]))
        spectral = factors.scores(states, titles).mul_(outputs if titles is None else outputs[titles])
        events = items.numpy(), weights.numpy(), rows.numpy()
        if titles is None:
            return self._sparse(*events, n_rows), spectral
        return self._sparse_about(titles.numpy(), *events, n_rows), spectral

    def sparse_scores(
        self, items: Tensor, feedback: Tensor, rows: Tensor, n_rows: int, titles: Tensor
    ) -> Tensor:
        """Add up what events say about some titles (T,) by the sparse part alone: (n_rows, T)."""
        weights = self._scales[0][feedback]
        return self._sparse_about(titles.numpy(), items.numpy(), weights.numpy(), rows.numpy(), n_rows)

    @cached_property
    def _values(self) -> NDArray[np.float32]:
        """Widen once: to do it for each person would start PyTorch's threads for each."""
        return self.tensors[VALUES].float().numpy()

    @cached_property
    def _scales(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.tensors[SAID].float(), self.tensors[INPUTS].float(), self.tensors[OUTPUTS].float()

    @cached_property
    def _factors(self) -> TitleTable:
        return TitleTable(self.tensors[FACTORS])

    def _sparse(
        self, items: NDArray[np.int64], weights: NDArray[np.float32], rows: NDArray[np.int64], n_rows: int
    ) -> Tensor:
        """Add up row by row: all the sums of one row stay in the processor's cache.

        Where each event has a row of its own there is little to add, and all of it is done at once.
        """
        width = self.n_items + 1
        if n_rows == len(items):
            targets, values, lengths = self._entries(items, weights)
            places = np.repeat(rows * width, lengths) + targets
            return torch.from_numpy(_sums(places, values, (n_rows, width)))
        sums = np.empty((n_rows, width), dtype=np.float32)
        stops = np.bincount(rows, minlength=n_rows).cumsum()[:-1]
        for row, mine in enumerate(np.split(np.argsort(rows, kind="stable"), stops)):
            targets, values, _ = self._entries(items[mine], weights[mine])
            sums[row] = np.bincount(targets, values, width)
        return torch.from_numpy(sums)

    def _sparse_about(
        self,
        titles: NDArray[np.int64],
        items: NDArray[np.int64],
        weights: NDArray[np.float32],
        rows: NDArray[np.int64],
        n_rows: int,
    ) -> Tensor:
        """Add up for a few titles only."""
        wanted, place = np.unique(titles, return_inverse=True)
        column = np.full(self.n_items + 1, -1)
        column[wanted] = np.arange(len(wanted))
        targets, values, lengths = self._entries(items, weights)
        columns = column[targets]
        hits = np.flatnonzero(columns >= 0)
        places = np.repeat(rows * len(wanted), lengths)[hits] + columns[hits]
        return torch.from_numpy(_sums(places, values[hits], (n_rows, len(wanted)))[:, place])

    def _entries(
        self, items: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> tuple[NDArray[np.integer[Any]], NDArray[np.float32], NDArray[np.int64]]:
        """Gather what events say: targets (E,), values (E,), and how many entries each event has."""
        offsets, targets = (self.tensors[name].numpy() for name in (OFFSETS, TARGETS))
        values = self._values
        starts, stops = offsets[items], offsets[items + 1]
        spans = [slice(*span) for span in zip(starts.tolist(), stops.tolist(), strict=True)]
        targets, values = (
            np.concatenate([row[:0], *(row[span] for span in spans)]) for row in (targets, values)
        )
        return targets, values * np.repeat(weights, stops - starts), stops - starts

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


def _sums(
    places: NDArray[np.int64], values: NDArray[np.float32], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Add up values (E,) at the places (E,) of a table laid out row by row."""
    return np.bincount(places, values, math.prod(shape)).reshape(shape).astype(np.float32)


def coherence(sparse: Tensor, items: Tensor, rows: Tensor) -> NDArray[np.float32]:
    """Return how much the titles of histories say of one another, (n_rows,).

    The mean, over the titles of a history, of what the sparse part says of each because of the others: from
    `sparse` (n_rows, N + 1), what it says of all titles, and the events `items` and `rows` (E,). A whole list
    holds what belongs together, and titles drawn from a long one hardly do, so this tells how much of a
    person's list is known. 0 for a history without events.
    """
    events, n_rows = rows.numpy(), len(sparse)  # NumPy gets to few values sooner
    said = np.bincount(events, sparse.numpy()[events, items.numpy()], n_rows)
    return np.asarray(said / np.maximum(np.bincount(events, minlength=n_rows), 1), dtype=np.float32)


def _kinds(term: ItemItem) -> set[tuple[str, bool, int, int | None]]:
    """Describe the tensors: name, whether they hold fractions, dimensions, and length where N decides it."""
    free = (TARGETS, VALUES)
    return {
        (
            name,
            tensor.is_floating_point(),
            tensor.ndim,
            None if name in free or not tensor.ndim else len(tensor),
        )
        for name, tensor in term.tensors.items()
    }
