"""SASRec (Kang and McAuley, 2018) with feedback, time and pauses: the whole model.

Letters: B batch, L length, P answered positions, D width, N items. Index 0 is padding, on the right.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # PyTorch's own convention

from ml.config import SASRecConfig
from ml.feedback import Feedback
from ml.shares import WHOLE, Share
from ml.time_bins import N_GAP_BINS, UNKNOWN_BIN


class Dropout(nn.Dropout):
    """Dropout by one random byte a value: on a CPU the draws are the dear part, and one fills eight bytes.

    The share is rounded to a multiple of 1 / 256, and what is left scaled by exactly that. Where x are some
    rows of a batch, the draws are the batch's.
    """

    rows: Share = WHOLE

    def forward(self, x: Tensor) -> Tensor:
        """Zero a share of x, of any shape, while training."""
        dropped = round(256 * self.p)
        if not self.training or not 0 < dropped < 256 or x.device.type != "cpu":
            return self.drop(x)
        shape = self.rows.whole_shape(x)
        n = math.prod(shape)
        draws = torch.empty(-(-n // 8), dtype=torch.int64).random_(-(2**63), None)
        kept = self.rows.own(draws.view(torch.uint8)[:n].view(shape)) >= dropped
        return x * (kept * (256 / (256 - dropped)))

    def drop(self, x: Tensor) -> Tensor:
        """Do the same by PyTorch's own dropout."""
        if not self.training or self.rows.world == 1:
            return super().forward(x)
        return x * self.rows.own(super().forward(x.new_ones(self.rows.whole_shape(x))))


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
        self.dropout = Dropout(config.dropout)  # never inside the attention: that leaves the fast CPU path
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
        values = self.key_value.weight[len(self.output.weight) :]
        for weight in (values, self.output.weight):
            weight.zero_().fill_diagonal_(1)

    def forward(self, x: Tensor, at: Tensor | None = None) -> Tensor:
        """Map (B, L, D) to (B, L, D), or to (B, P, D) at the positions `at` (B, P)."""
        y = self.attention_norm(x)
        if at is None:
            return self.finish(x, self.attend(y, self.key_value(y), None))
        mask = (torch.arange(x.shape[1], device=x.device) <= at[:, :, None]).unsqueeze(1)  # (B, 1, P, L)
        return self.finish(gather(x, at), self.attend(gather(y, at), self.key_value(y), mask))

    def attend(self, queries: Tensor, key_value: Tensor, mask: Tensor | None) -> Tensor:
        """Let queries (B, P, D) look at keys and values (B, L, 2 D) where `mask` allows, else causally."""
        parts = self.query(queries), *key_value.chunk(2, dim=-1)
        q, k, v = (self.split(part).float() for part in parts)  # bfloat16 is slow here on CPUs
        with torch.autocast(queries.device.type, enabled=False):
            heads = F.scaled_dot_product_attention(q, k, v, mask, is_causal=mask is None)
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
    """x_t = g_feedback * E_item + E_feedback + E_time + E_gap (+ E_position in an order), tied scores.

    The gate g (D values per feedback) starts at one, and at minus a half for a dislike: a sum alone cannot
    turn a title's direction around, and two blocks take long to learn it (feature-wise modulation, Perez et
    al., 2018). Positions, known times and gaps start at zero, so they change nothing until data with times
    trained them; an unknown time or gap and an unknown order add nothing, always. What `config.context` does
    not name is never looked up. The scores have a bias per item, its popularity at first.
    """

    def __init__(self, config: SASRecConfig) -> None:
        super().__init__()
        self.config = config
        D = config.width
        self.items = nn.Embedding(config.n_items + 1, D, padding_idx=0)
        self.feedback = nn.Embedding(len(Feedback), D, padding_idx=0)
        self.gate = nn.Embedding(len(Feedback), D, padding_idx=0)
        self.times = nn.Embedding(config.time_bins.n_bins, D, padding_idx=0)
        zeros = torch.zeros(N_GAP_BINS, D)
        self.gaps = nn.Embedding.from_pretrained(zeros, freeze=False, padding_idx=0)  # type: ignore[no-untyped-call]
        self.positions = nn.Embedding(config.max_length + 1, D, padding_idx=0)
        self.dropout = Dropout(config.dropout)
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

    def draw_for(self, rows: Share) -> None:
        """Say which rows of a batch come next."""
        for module in self.modules():
            if isinstance(module, Dropout):
                module.rows = rows

    def embed(
        self, items: Tensor, feedback: Tensor, times: Tensor, gaps: Tensor, positions: Tensor
    ) -> Tensor:
        """Add the embeddings of the events, each input (B, L), result (B, L, D); padding is all zero."""
        x, context = self.items(items).float(), self.config.context  # a served table may be float16
        if "feedback" in context:
            x = self.gate(feedback) * x + self.feedback(feedback)
        if "time" in context:
            x = x + self.times(times * (times > UNKNOWN_BIN))  # an unknown one adds nothing, like padding
        if "gap" in context:
            x = x + self.gaps(gaps * (gaps > UNKNOWN_BIN))
        if "position" in context:
            x = x + self.positions(positions)
        return self.dropout(x)  # type: ignore[no-any-return]

    def forward(
        self,
        items: Tensor,
        feedback: Tensor,
        times: Tensor,
        gaps: Tensor,
        positions: Tensor,
        at: Tensor | None,
    ) -> Tensor:
        """Return the states (B, P, D) after the events at `at` (B, P), or after all; no later one matters.

        `items`, `feedback`, `times` and `gaps` (bins) and `positions` (1.. where the order is known, else 0)
        are (B, L) int64, padded with 0 on the right.
        """
        x = self.embed(items, feedback, times, gaps, positions)
        for block in self.blocks[:-1]:
            x = block(x)
        return self.norm(self.blocks[-1](x, at))  # type: ignore[no-any-return]

    def score(self, states: Tensor, titles: Tensor | None = None) -> Tensor:
        """Score every title and, meaninglessly, padding: (..., D) to (..., N + 1).

        Or only some: `titles` (K,) for everybody, (B, P, D) to (B, P, K); or (B, T), their own for each
        person, to (B, P, T).
        """
        if titles is None:
            return F.linear(states, self.items.weight, self.bias)
        biases = self.bias.gather(0, titles.flatten()).view_as(titles).unsqueeze(-2)
        return states @ self.items(titles).mT + biases  # type: ignore[no-any-return]
