"""SASRec (Kang and McAuley, 2018) with feedback and time: the whole model.

Letters: B batch, L length, P answered positions, D width, N items. Index 0 is padding, on the right.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # PyTorch's own convention

from ml.config import SASRecConfig
from ml.feedback import Feedback
from ml.time_bins import UNKNOWN_BIN


class Block(nn.Module):
    """One pre-norm causal block. It may answer at a few positions only, which is all the last block needs."""

    def __init__(self, config: SASRecConfig) -> None:
        super().__init__()
        D = config.width
        self.n_heads = config.n_heads
        self.attention_norm = nn.LayerNorm(D)
        self.query = nn.Linear(D, D)
        self.key_value = nn.Linear(D, 2 * D)
        self.output = nn.Linear(D, D)
        self.hidden_norm = nn.LayerNorm(D)
        self.widen = nn.Linear(D, config.hidden_ratio * D)
        self.narrow = nn.Linear(config.hidden_ratio * D, D)
        self.dropout = nn.Dropout(config.dropout)  # never inside the attention: that leaves the fast CPU path
        self.reset()

    @torch.no_grad()
    def reset(self) -> None:
        """Start close to doing nothing."""
        for layer in (self.query, self.key_value, self.output, self.widen, self.narrow):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    @torch.no_grad()
    def average(self) -> None:
        """Start by adding the average of the events so far: almost even attention, values passed through."""
        eye = torch.eye(self.output.weight.shape[0])
        self.key_value.weight[len(eye) :] = eye
        self.output.weight.copy_(eye)

    def forward(self, x: Tensor, at: Tensor | None = None) -> Tensor:
        """Map (B, L, D) to (B, L, D), or to (B, P, D) at the positions `at` (B, P)."""
        y = self.attention_norm(x)
        if at is None:
            return self.finish(x, self.attend(y, self.key_value(y), None))
        mask = (torch.arange(x.shape[1], device=x.device) <= at[:, :, None]).unsqueeze(1)  # (B, 1, P, L)
        return self.finish(gather(x, at), self.attend(gather(y, at), self.key_value(y), mask))

    def after(self, prefix: Tensor, x: Tensor, mask: Tensor, at: Tensor | None = None) -> Tensor:
        """Map the ends x (B, T, D) of B histories that share `prefix` (1, F, D), or only their places `at`.

        `mask` (B, T or P, F + T) says which events each answer may look at.
        """
        y = self.attention_norm(x)
        shared = self.key_value(self.attention_norm(prefix)).expand(len(x), -1, -1)
        key_value = torch.cat([shared, self.key_value(y)], 1)
        if at is not None:
            x, y = gather(x, at), gather(y, at)
        return self.finish(x, self.attend(y, key_value, mask.unsqueeze(1)))

    def attend(self, queries: Tensor, key_value: Tensor, mask: Tensor | None) -> Tensor:
        """Let queries (B, P, D) look at keys and values (B, L, 2 D) where `mask` allows, else causally."""
        key, value = key_value.chunk(2, dim=-1)
        heads = F.scaled_dot_product_attention(
            self.split(self.query(queries)), self.split(key), self.split(value), mask, is_causal=mask is None
        )
        answer: Tensor = self.output(heads.transpose(1, 2).flatten(2))
        return answer

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """Add what was attended to, then the feed-forward layer, (B, P, D) to (B, P, D)."""
        x = x + self.dropout(attended)
        answer: Tensor = x + self.dropout(self.narrow(F.gelu(self.widen(self.hidden_norm(x)))))
        return answer

    def split(self, x: Tensor) -> Tensor:
        """Split (B, L, D) into heads (B, H, L, D / H)."""
        B, L, D = x.shape
        return x.view(B, L, self.n_heads, D // self.n_heads).transpose(1, 2)


def gather(x: Tensor, at: Tensor) -> Tensor:
    """Pick the positions `at` (B, P) of x (B, L, D), result (B, P, D)."""
    return x.gather(1, at[:, :, None].expand(-1, -1, x.shape[-1]))


class SASRec(nn.Module):
    """x_t = g_feedback * E_item + E_feedback + E_time (+ E_position where the order is known), tied scores.

    The gate g (D values per feedback) starts at one, and at minus a half for a dislike: a sum alone cannot
    turn a title's direction around, and two blocks take long to learn it (feature-wise modulation, Perez et
    al., 2018). Positions and known times start at zero, so they change nothing until data with times trained
    them; an unknown time and an unknown order add nothing, always. The scores have a bias per item, its
    popularity at first.
    """

    def __init__(self, config: SASRecConfig) -> None:
        super().__init__()
        self.config = config
        D = config.width
        self.items = nn.Embedding(config.n_items + 1, D, padding_idx=0)
        self.feedback = nn.Embedding(len(Feedback), D, padding_idx=0)
        self.gate = nn.Embedding(len(Feedback), D, padding_idx=0)
        self.times = nn.Embedding(config.time_bins.n_bins, D, padding_idx=0)
        self.positions = nn.Embedding(config.max_length + 1, D, padding_idx=0)
        self.dropout = nn.Dropout(config.dropout)
        blocks = [Block(config) for _ in range(config.n_blocks)]
        blocks[0].average()
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(D)
        self.bias = nn.Parameter(torch.zeros(config.n_items + 1))
        self.reset()

    @torch.no_grad()
    def reset(self) -> None:
        """Draw the initial weights."""
        nn.init.normal_(self.items.weight, std=1 / math.sqrt(self.config.width))
        nn.init.normal_(self.feedback.weight, std=0.02)
        nn.init.ones_(self.gate.weight)
        self.gate.weight[Feedback.DISLIKE] = -0.5
        for table in (self.times, self.positions):
            nn.init.zeros_(table.weight)
        for table in (self.items, self.feedback, self.gate):
            table.weight[0] = 0

    def embed(self, items: Tensor, feedback: Tensor, times: Tensor, positions: Tensor) -> Tensor:
        """Add the embeddings of the events, each input (B, L), result (B, L, D); padding is all zero."""
        times = times * (times > UNKNOWN_BIN)  # an unknown time adds nothing, like padding
        x = self.gate(feedback) * self.items(items) + self.feedback(feedback)
        x = x + self.times(times) + self.positions(positions)
        return self.dropout(x)  # type: ignore[no-any-return]

    def forward(
        self, items: Tensor, feedback: Tensor, times: Tensor, positions: Tensor, at: Tensor
    ) -> Tensor:
        """Return the states (B, P, D) after the events at `at` (B, P); later events do not matter.

        `items`, `feedback`, `times` (bins) and `positions` (1.. where the order is known, else 0) are (B, L)
        int64, padded with 0 on the right.
        """
        x = self.embed(items, feedback, times, positions)
        for block in self.blocks[:-1]:
            x = block(x)
        return self.norm(self.blocks[-1](x, at))  # type: ignore[no-any-return]

    def without_each(self, inputs: tuple[Tensor, ...], removed: Tensor) -> Tensor:
        """Return the last state of one history (inputs (1, L), L >= 2) without each event in turn, (C, D).

        `removed` (C,) are ascending positions. Nothing before the first of them changes, so that part is
        computed once; an event is removed by hiding it, the others keep their places.
        """
        L, first, C = inputs[0].shape[1], int(removed[0]), len(removed)
        x = self.embed(*inputs)
        prefix, tail = x[:, :first], x[:, first:].expand(C, -1, -1)
        places = torch.arange(L)
        mask = (places <= places[first:, None]) & (places != removed[:, None, None])  # (C, T, L)
        mask[torch.arange(C), removed - first, removed] = True  # or its own, unused answer would be NaN
        last = torch.where(removed == L - 1, L - 2, L - 1)[:, None]  # (C, 1)
        if int(last.min()) < first:  # only the last event is removed: the answer lies in the shared part
            state: Tensor = self(*inputs, last)[:, 0]
            return state
        *blocks, answering = cast(list[Block], list(self.blocks))
        for block in blocks:
            tail = block.after(prefix, tail, mask)
            prefix = block(prefix) if first else prefix
        mask = gather(mask, last - first)  # (C, 1, L)
        states: Tensor = self.norm(answering.after(prefix, tail, mask, last - first))
        return states[:, 0]

    def score(self, states: Tensor) -> Tensor:
        """Score every title and, meaninglessly, padding: (..., D) to (..., N + 1)."""
        return F.linear(states, self.items.weight, self.bias)
