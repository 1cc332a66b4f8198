"""SASRec's state after one history, by its own operations without its layers.

For one history of fifty events the calls of layers, masks and embeddings that add nothing take as long as
the arithmetic. Somebody waits for this answer, so here only the arithmetic is left.
"""

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
        self._blocks = [_block_layers(block) for block in model.blocks.children()]
        self._norm = _layers(model)["norm"]

    def state(self, encoded: Encoded) -> Tensor:
        """Return the state (1, D) after an encoded history (5, L), L >= 1."""
        x = self._embed(encoded)
        for number, block in enumerate(self._blocks, start=1):
            x = self._block(x, block, answers=number == len(self._blocks))
        return _norm(x, self._norm)

    def _embed(self, encoded: Encoded) -> Tensor:
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

    def _block(self, x: Tensor, layers: Layers, *, answers: bool) -> Tensor:
        """Map (L, D) to (L, D), or to (1, D) in the block that answers for the last event only."""
        y = _norm(x, layers["attention_norm"])
        if answers:
            x = x[-1:]
            parts = _linear(y[-1:], layers["query"]), *_linear(y, layers["key_value"]).chunk(2, -1)
        else:
            parts = _linear(y, layers["query_key_value"]).chunk(3, -1)
        query, key, value = (
            part.view(1, len(part), self._config.n_heads, -1).transpose(1, 2) for part in parts
        )
        heads = F.scaled_dot_product_attention(query, key, value, is_causal=not answers)
        x = x + _linear(heads[0].transpose(0, 1).flatten(1), layers["output"])
        hidden = F.gelu(_linear(_norm(x, layers["hidden_norm"]), layers["widen"]))
        return x + _linear(hidden, layers["narrow"])


def _block_layers(block: nn.Module) -> Layers:
    """Name a block's layers, with all that is asked of every event joined into one."""
    layers = _layers(block)
    asked = zip(layers["query"], layers["key_value"], strict=True)
    weight, bias = (torch.cat(pair, -1) for pair in asked)
    return layers | {"query_key_value": (weight, bias)}


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


def _linear(x: Tensor, layer: Layer) -> Tensor:
    weight, bias = layer
    return torch.addmm(bias, x, weight)


def _norm(x: Tensor, layer: Layer) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], *layer)
