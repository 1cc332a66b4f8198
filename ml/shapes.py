"""A SASRec's shapes without its weights: to compare a file with, or to lay a file's weights into."""

from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ml.config import SASRecConfig
from ml.sasrec import SASRec


class _NothingDrawn(TorchFunctionMode):
    """Leaves out the draws of initial weights.

    Without memory to fill (`meta`) the first of them would import PyTorch's compiler: two seconds, and
    70 MB that a web worker never uses.
    """

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if getattr(function, "__module__", "") == nn.init.__name__:
            return None
        return function(*args, **(kwargs or {}))


def without_weights(config: SASRecConfig) -> SASRec:
    """Build the model's shapes alone: nothing is drawn and nothing kept."""
    with torch.device("meta"), _NothingDrawn():
        return SASRec(config)
