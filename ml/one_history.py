"""SASRec's state after one history, by its own operations without its layers.

For one history of fifty events the calls of layers, masks and embeddings that add nothing take as long as
the arithmetic. Somebody waits for this answer, so here only the arithmetic is left.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # PyTorch's own convention

from ml.encoding import FEEDBACK, GAP, ITEM, POSITION, TIME
from ml.sasrec import SASRec
from ml.time_bins import UNKNOWN_BIN

Encoded = NDArray[np.int64]  # one history as `ml.encoding.encode` returns it, (5, L), L >= 1
Layer = tuple[
    Tensor, Tensor
]  # weight and bias; a linear one's weight lies (in, out), which multiplies faster
Layers = dict[str, Layer]  # by the name of the layer
# what the context calls it, its table, its row of an encoded history, and the highest value that says nothing
WHEN = (
    ("time", "times", TIME, UNKNOWN_BIN),
    ("gap", "gaps", GAP, UNKNOWN_BIN),
    ("position", "positions", POSITION, 0),
)


class OneHistory:
    """Does what `SASRec.forward` does at the last event of a history; read-only, so safe between threads."""

    def __init__(self, model: SASRec) -> None:
        self._config = model.config
        self._tables = {
            name: layer.weight.detach()
            for name, layer in model.named_children()
            if isinstance(layer, nn.Embedding)
        }
        *blocks, last = model.blocks.children()
        self.blocks = [_block_layers(block) for block in blocks]
        self._last = _layers(last)
        self._keys, self._values = _by_head(self._last["key_value"], model.config.n_heads)
        self.norm = _layers(model)["norm"]

    def state(self, encoded: Encoded) -> Tensor:
        """Return the state (1, D) after an encoded history (5, L), L >= 1."""
        x = self.embed(encoded)
        for block in self.blocks:
            x = self._block(x, block)
        return norm(self.answer(x, slice(-1, None)), self.norm)

    def embed(self, encoded: Encoded) -> Tensor:
        """Add the embeddings that say something, (L, D)."""
        items, feedback = torch.from_numpy(encoded[[ITEM, FEEDBACK]])
        x = self._tables["items"][items].float()
        if "feedback" in self._config.context:
            x = self._tables["gate"][feedback] * x + self._tables["feedback"][feedback]
        for name, table, row, silent in WHEN:
            known = encoded[row] > silent
            if name in self._config.context and known.any():
                x = x + self._tables[table][torch.from_numpy(encoded[row] * known)]
        return x

    def _block(self, x: Tensor, layers: Layers) -> Tensor:
        """Map (L, D) to (L, D)."""
        asked = linear(norm(x, layers["attention_norm"]), layers["query_key_value"])
        heads = attend(*self.heads(asked, 3), is_causal=True)
        return finish(x, heads.transpose(0, 1).flatten(1), layers)

    def answer(self, x: Tensor, at: slice | NDArray[np.int64], visible: Tensor | None = None) -> Tensor:
        """Map (L, D) to (P, D) by the last block: the events `at`, each looking at those `visible` (P, L).

        Few ask of many events, so the weights of keys and values go to the questions' side, where they are
        met P times and not L times. A bias of the keys adds the same to every event: nothing.
        """
        y = norm(x, self._last["attention_norm"])
        (query,) = self.heads(linear(y[at], self._last["query"]), 1)
        scores = (query @ self._keys @ y.t()).mul_(query.shape[-1] ** -0.5)  # (H, P, L)
        if visible is not None:
            scores.masked_fill_(~visible, -torch.inf)
        values, bias = self._values
        heads = scores.softmax(-1) @ y @ values  # (H, P, D / H)
        return finish(x[at], heads.transpose(0, 1).flatten(1) + bias, self._last)

    def heads(self, x: Tensor, n: int) -> tuple[Tensor, ...]:
        """Split rows (L, n D) into n tensors by heads, each (H, L, D / H)."""
        return tuple(
            part.view(len(part), self._config.n_heads, -1).transpose(0, 1) for part in x.chunk(n, -1)
        )


def _block_layers(block: nn.Module) -> Layers:
    """Name a block's layers, with all that is asked of every event joined into one."""
    layers = _layers(block)
    asked = zip(layers["query"], layers["key_value"], strict=True)
    weight, bias = (torch.cat(pair, -1) for pair in asked)
    return layers | {"query_key_value": (weight, bias)}


def _by_head(key_value: Layer, n_heads: int) -> tuple[Tensor, Layer]:
    """Return weights of the keys (H, D / H, D), and of the values weights (H, D, D / H) and bias (D,)."""
    weight, bias = key_value
    keys, values = (part.view(len(part), n_heads, -1) for part in weight.chunk(2, -1))
    return keys.permute(1, 2, 0).contiguous(), (values.transpose(0, 1).contiguous(), bias.chunk(2)[1])


def _layers(module: nn.Module) -> Layers:
    """Name the weights and biases of a module's layers."""
    return {
        name: (
            layer.weight.detach().t().contiguous() if isinstance(layer, nn.Linear) else layer.weight.detach(),
            layer.bias.detach(),
        )
        for name, layer in module.named_children()
        if isinstance(layer, nn.Linear | nn.LayerNorm)
    }


def attend(query: Tensor, key: Tensor, value: Tensor, **options: Any) -> Tensor:
    """Attend by heads, (H, P, D / H) to (H, L, D / H); with a batch, be it of one, that is one operation."""
    return F.scaled_dot_product_attention(query[None], key[None], value[None], **options)[0]


def finish(x: Tensor, heads: Tensor, layers: Layers) -> Tensor:
    """Add what the heads found, then the feed-forward layer, (L, D) to (L, D)."""
    x = x + linear(heads, layers["output"])
    return x + linear(F.gelu(linear(norm(x, layers["hidden_norm"]), layers["widen"])), layers["narrow"])


def linear(x: Tensor, layer: Layer) -> Tensor:
    """Map (L, in) to (L, out)."""
    weight, bias = layer
    return torch.addmm(bias, x, weight)


def norm(x: Tensor, layer: Layer) -> Tensor:
    """Normalise each row of x."""
    return F.layer_norm(x, x.shape[-1:], *layer)
