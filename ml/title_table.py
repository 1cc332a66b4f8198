"""A table of title vectors that many people's states are multiplied with: the dear part of scoring."""

from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # PyTorch's own convention

BLOCK = 16  # rows that a kernel takes at once; those left over it would add up in another order


class TitleTable:
    """Multiplies states with a table (N, D) on the CPU; read-only, so safe between threads.

    Reading the table from memory is what takes the time. A float16 table, as small checkpoints store it, is
    packed as float16 and widened on the way (FBGEMM), in the same float32 arithmetic: nothing is lost. A
    processor without FBGEMM keeps a float32 copy. Either is made when all rows are first asked for. Rows
    added later leave the products of all rows before them as they were, bit by bit.
    """

    def __init__(self, table: Tensor) -> None:
        self.table = table.detach()

    def scores(self, states: Tensor, rows: Tensor | None = None) -> Tensor:
        """Return the dot products of states (B, D) with all rows, or only with `rows` (T,): (B, N or T)."""
        if rows is not None:
            return F.linear(states, self.vectors(rows))
        n = len(self.table)
        if self._packed is not None:
            product: Tensor = torch.ops.quantized.linear_dynamic_fp16(states.contiguous(), self._packed)
            return product[:, :n].contiguous()
        whole = n - n % BLOCK
        if whole == n:
            return F.linear(states, self._wide)
        rest = F.linear(states, _filled(self._wide[whole:]))[:, : n - whole]
        return torch.cat([F.linear(states, self._wide[:whole]), rest], 1)

    def vectors(self, rows: Tensor | slice) -> Tensor:
        """Return some rows in float32."""
        return self.table[rows].float()

    @cached_property
    def _wide(self) -> Tensor:
        return self.table.float()

    @cached_property
    def _packed(self) -> Any:  # an opaque type of PyTorch's own
        can_pack = "fbgemm" in torch.backends.quantized.supported_engines and self.table.numel() > 0
        if self.table.dtype != torch.float16 or not can_pack:
            return None
        return torch.ops.quantized.linear_prepack_fp16(_filled(self.table.float()), None)


def _filled(table: Tensor) -> Tensor:
    """Add rows of zeros up to a whole number of blocks."""
    return F.pad(table, (0, 0, 0, -len(table) % BLOCK))
