"""Several processes that train together, started by torchrun; for one alone nothing here does anything.

    torchrun --nproc-per-node 2 -m ml.train --data DIR --out CHECKPOINT

Every process draws the same batches and computes its rows of each (`ml.shares`), DistributedDataParallel
averages their gradients, and so all of them hold the same weights after every step. Who decides is never one
of them alone: figures are averaged, the clock is the first one's, so all stop at the same step.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ml.batches import Batch
from ml.ratings import DataError
from ml.shares import Share

T = TypeVar("T")
PATIENCE = timedelta(
    hours=2
)  # the others wait for the first one's item-item term; torchrun sees deaths itself


@dataclass(frozen=True)
class Processes:
    """The processes of a run, as one of them sees them."""

    rank: int = 0
    world: int = 1

    @property
    def is_first(self) -> bool:
        """Tell whether this is the one that writes and reports."""
        return self.rank == 0

    def share(self, batch: Batch) -> Batch:
        """Keep the rows of a batch that are this process's."""
        if self.world == 1:
            return batch
        return batch.part(Share(self.rank, self.world, len(batch.at), added_up))

    def together(self, cost: nn.Module, partial: bool = False) -> nn.Module:
        """Return a module that costs a batch and gives its weights the mean gradient of all processes.

        Weights start as the first process's. `partial` says that the cost never looks at some weights; these
        keep no gradient, as with one process.
        """
        return cost if self.world == 1 else DistributedDataParallel(cost, find_unused_parameters=partial)

    def agree(self, loss: float, seconds: float) -> tuple[float, float]:
        """Return the mean loss, and the seconds of the first process: the same bits everywhere."""
        if self.world == 1:
            return loss, seconds
        said = [loss / self.world, seconds * self.is_first]
        loss, seconds = added_up(torch.tensor(said, dtype=torch.float64)).tolist()
        return loss, seconds

    def mean(self, values: NDArray[np.float64]) -> float:
        """Return the mean of the values that all processes have, of which some may have none."""
        if self.world == 1:
            return float(values.mean())
        total, count = added_up(torch.tensor([values.sum(), len(values)], dtype=torch.float64)).tolist()
        return float(total / count)

    def from_first(self, make: Callable[[], T]) -> T:
        """Let the first process make something dear once, and give it to all.

        Raises what `make` raises, a ValueError in every process.
        """
        if self.world == 1:
            return make()
        box: list[Any] = [_attempt(make) if self.is_first else None]
        distributed.broadcast_object_list(box, src=0)
        if isinstance(box[0], ValueError):
            raise box[0]
        made: T = box[0]
        return made

    def check_alike(self, fact: str) -> None:
        """Raise DataError unless every process says the same."""
        if self.world == 1:
            return
        facts: list[Any] = [None] * self.world
        distributed.all_gather_object(facts, fact)
        if len(set(facts)) > 1:
            raise DataError(
                "The processes read different data, settings or run states; give all of them the same files."
            )


ALONE = Processes()


@contextmanager
def joined(device: str) -> Iterator[Processes]:
    """Join the processes that torchrun's environment names, and leave them at the end; alone without it.

    Gloo connects processors, NCCL graphics processors, one a process. Raises ValueError when a machine has
    fewer of these than processes, or `device` names one of them.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    on_gpu = device != "cpu" and torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(_own_gpu(device))
    distributed.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=PATIENCE)
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


def added_up(tensor: Tensor) -> Tensor:
    """Add up a tensor over the processes."""
    tensor = tensor.clone()
    distributed.all_reduce(tensor)
    return tensor


def _own_gpu(device: str) -> int:
    """Return the number of the graphics processor that is this process's."""
    own, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if device not in ("auto", "cuda"):
        raise ValueError(f"With several processes --device is auto, cuda or cpu, not {device}.")
    if own >= there:
        raise ValueError(
            f"This machine has {there} graphics processors; start as many processes, or --device cpu."
        )
    return own


def _attempt(make: Callable[[], T]) -> T | ValueError:
    try:
        return make()
    except ValueError as error:
        return error
