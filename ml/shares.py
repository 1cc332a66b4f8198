"""Which rows of a batch a process computes, what they count, and random draws that are those of the batch."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


def alone(counts: Tensor) -> Tensor:
    """Add up over one process."""
    return counts


@dataclass(frozen=True)
class Share:
    """The rows of a batch that process `rank` of `world` computes; `WHOLE` is all of them.

    Rows go round, because people lie by length in a batch: everybody gets short and long lists. Every process
    makes the random draws of the whole batch and keeps those of its rows, so that any number of processes
    learns what one does, and the random state that one of them keeps is the state of all. A process beyond
    the last row computes the first one for nothing: no table is ever empty and all make the same calls.
    """

    rank: int = 0
    world: int = 1
    n_rows: int = 0  # of the batch
    total: Callable[[Tensor], Tensor] = alone  # adds up a tensor over the processes

    def own(self, table: Tensor) -> Tensor:
        """Keep the rows of this share, (B, ...) to (b, ...)."""
        if self.world == 1:
            return table
        return table[self.rank :: self.world] if self.rank < self.n_rows else table[:1]

    def whole_shape(self, own: Tensor) -> tuple[int, ...]:
        """Return the shape that a table of this share (b, ...) has for the batch, (B, ...)."""
        return tuple(own.shape) if self.world == 1 else (self.n_rows, *own.shape[1:])

    def weights(self, counts: Tensor) -> Tensor:
        """Return what averages over so many things in this share weigh, shaped like `counts`.

        The average over the batch is the mean, over the processes, of the weighted averages.
        """
        if self.world == 1:
            return torch.ones_like(counts)
        counts = counts * (self.rank < self.n_rows)
        return self.world * counts / self.total(counts).clamp_min(1)


WHOLE = Share()
