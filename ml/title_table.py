"""A table of title vectors that many people's states are multiplied with: the dear part of scoring."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # PyTorch's own convention

BLOCK = 16  # rows that a kernel takes at once; those left over it would add up in another order


class TitleTable:
    """Multiplies states with a table (N, D) on the CPU; read-only, so safe between threads.

    Reading the table from memory is what takes the time. A table that came from float16, as small checkpoints
    do, is kept as float16 and widened on the way (FBGEMM), in the same float32 arithmetic: nothing is lost.
    Any other table, and a processor without FBGEMM, keeps float32. Rows added later leave the products of all
    rows before them as they were, bit by bit.
    """

    def __init__(self, table: Tensor) -> None:
        self.table = table.detach()
        is_half = bool((self.table.half().float() == self.table).all())
        can_pack = "fbgemm" in torch.backends.quantized.supported_engines and self.table.numel() > 0
        self._packed = (
            torch.ops.quantized.linear_prepack_fp16(_filled(self.table), None)
            if is_half and can_pack
            else None
        )

    def scores(self, states: Tensor, rows: Tensor | None = None) -> Tensor:
        """Return the dot products of states (B, D) with all rows, or only with `rows` (T,): (B, N or T)."""
        if rows is not None:
            return F.linear(states, self.table[rows])
        n = len(self.table)
        if self._packed is not None:
            product: Tensor = torch.ops.quantized.linear_dynamic_fp16(states.contiguous(), self._packed)
            return product[:, :n].contiguous()
        whole = n - n % BLOCK
        if whole == n:
            return F.linear(states, self.table)
        rest = F.linear(states, _filled(self.table[whole:]))[:, : n - whole]
        return torch.cat([F.linear(states, self.table[:whole]), rest], 1)


def _filled(table: Tensor) -> Tensor:
    """Add rows of zeros up to a whole number of blocks."""
    return F.pad(table, (0, 0, 0, -len(table) % BLOCK))
