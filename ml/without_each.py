"""SASRec's states after one history, and without each of some of its events: all in one packed pass.

What comes before a removed event does not change, so only what follows is computed anew. Nor is all of that:
in the first block the events themselves are the same in every pass, so one attention answers for all of them;
in the last one only the ends of the passes ask, so their questions go to the events, not keys to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.one_history import Encoded, Layers, OneHistory, attend, finish, linear, norm

# Of an event that has a larger share of somebody's attention, what is left without it is computed anew:
# taking it off the sum would leave mostly rounding.
SHARP = 0.99


@dataclass(frozen=True)
class Passes:
    """How a history of `length` events, then its tails after each `removed` place, lie in one packed row."""

    length: int
    removed: NDArray[np.int64]

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Count the events of each tail, (C,)."""
        return self.length - 1 - self.removed

    @cached_property
    def gone(self) -> NDArray[np.int64]:
        """Name for each event of the tails the place that its pass leaves out."""
        return np.repeat(self.removed, self.lengths)

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Name the place in the history of each event of the packed row, (n,)."""
        tails = [np.arange(place + 1, self.length) for place in self.removed.tolist()]
        return np.concatenate([np.arange(self.length), *tails])

    @cached_property
    def stops(self) -> NDArray[np.int64]:
        """Where in the row each tail ends, (C,)."""
        return self.length + self.lengths.cumsum()

    @property
    def ends(self) -> NDArray[np.int64]:
        """Where the whole history ends, then each pass; one without a tail ends before its removed event."""
        return np.append(self.length - 1, np.where(self.lengths > 0, self.stops - 1, self.removed - 1))

    def visible(self) -> Tensor:
        """Say what the end of each pass may look at, (1 + C, n)."""
        passes = np.arange(1 + len(self.removed))
        owners = np.repeat(passes, np.append(self.length, self.lengths))
        mask = owners == passes[:, None]
        mask[1:, : self.length] = np.arange(self.length) < self.removed[:, None]
        return torch.from_numpy(mask)


def states_without_each(one: OneHistory, encoded: Encoded, removed: Sequence[int]) -> Tensor:
    """Return the last state of a history (5, L), L >= 2, then without each event: (1 + C, D).

    `removed` are C places. The others keep their places, times and gaps.
    """
    passes = Passes(encoded.shape[1], np.array(removed, dtype=np.int64))
    x = one.embed(encoded)
    for number, block in enumerate(one.blocks):
        attended = _apart(one, x, block, passes) if number else _alike(one, x, block, passes)
        x = finish(x if number else x[passes.places], attended, block)
    x = x if one.blocks else x[passes.places]
    return norm(one.answer(x, passes.ends, passes.visible()), one.norm)


def _alike(one: OneHistory, x: Tensor, layers: Layers, passes: Passes) -> Tensor:
    """Attend where every pass has the same events (L, D): to (n, D), the removed one taken off the sums."""
    query, key, value = one.heads(linear(norm(x, layers["attention_norm"]), layers["query_key_value"]), 3)
    later = torch.ones(len(x), len(x), dtype=torch.bool).triu(1)
    logits = (query @ key.mT).mul_(query.shape[-1] ** -0.5).masked_fill_(later, -torch.inf)
    shares = logits.softmax(-1)
    whole = shares @ value  # (H, L, D / H)
    at, gone = (torch.from_numpy(row) for row in (passes.places[passes.length :], passes.gone))
    share = shares[:, at, gone][..., None]
    left = (whole[:, at] - share * value[:, gone]).div_(1 - share)
    sharp = (share[..., 0] > SHARP).any(0).nonzero()[:, 0]
    if len(sharp):
        others = logits[:, at[sharp]]
        others[:, torch.arange(len(sharp)), gone[sharp]] = -torch.inf
        left[:, sharp] = others.softmax(-1) @ value
    return torch.cat([whole, left], 1).transpose(0, 1).flatten(1)


def _apart(one: OneHistory, x: Tensor, layers: Layers, passes: Passes) -> Tensor:
    """Attend within each of the packed passes (n, D), blind to the others: to (n, D)."""
    query, key, value = one.heads(linear(norm(x, layers["attention_norm"]), layers["query_key_value"]), 3)
    L = passes.length
    looked = [attend(query[:, :L], key[:, :L], value[:, :L], is_causal=True)]
    earlier = torch.ones(L, L, dtype=torch.bool).tril()
    for place, stop in zip(passes.removed.tolist(), passes.stops.tolist(), strict=True):
        own = slice(stop - (L - 1 - place), stop)
        if own.start < own.stop:
            seen = (torch.cat([row[:, :place], row[:, own]], 1) for row in (key, value))
            looked.append(attend(query[:, own], *seen, attn_mask=earlier[place:-1, :-1]))
    return torch.cat(looked, 1).transpose(0, 1).flatten(1)
