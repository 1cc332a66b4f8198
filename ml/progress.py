"""Where a training run stands, and whom it tells."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ml.ratings import DataError

Watch = Callable[[int, dict[str, float]], None]  # gets the step and figures by name


@dataclass
class Progress:
    """Where a run stands: the best weights so far and what was measured."""

    best: float = -math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    validations: list[dict[str, float]] = field(default_factory=list)
    since_best: int = 0
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def advance(self, n_tokens: int, seconds: float) -> None:
        """Count one more step; `seconds` are those of the whole run."""
        self.step += 1
        self.tokens += n_tokens
        self.seconds = seconds

    @property
    def tokens_per_second(self) -> float:
        """Return how many events were read a second, padding not counted."""
        return self.tokens / max(self.seconds, 1e-9)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the weights."""
        return {name: value for name, value in vars(self).items() if name != "best_weights"}

    def summary(self) -> dict[str, Any]:
        """Return what a checkpoint tells of its run."""
        return {
            "steps": self.step,
            "seconds": round(self.seconds, 1),
            "tokens_per_second": round(self.tokens_per_second),
            "validations": self.validations,
        }

    def described(self, loss: float) -> dict[str, str]:
        """Say on the progress bar how it goes."""
        told = {"loss": f"{loss:.3f}", "tokens/s": f"{self.tokens_per_second:,.0f}"}
        if self.validations:
            told["NDCG@20"] = f"{self.validations[-1]['ndcg@20']:.4f}"
        return told


def nobody(step: int, figures: dict[str, float]) -> None:
    """Watch nothing."""


@contextmanager
def tensorboard(log_dir: Path | None) -> Iterator[Watch]:
    """Yield a watch that writes TensorBoard logs, or nothing without `log_dir`.

    Raises DataError when the tensorboard package is not installed.
    """
    if log_dir is None:
        yield nobody
        return
    try:
        # an optional dependency
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415
    except ImportError as error:
        raise DataError("--log-dir needs TensorBoard: pip install tensorboard, or leave it out.") from error
    with SummaryWriter(log_dir) as writer:

        def watch(step: int, figures: dict[str, float]) -> None:
            for name, value in figures.items():
                writer.add_scalar(name, value, step)

        yield watch
