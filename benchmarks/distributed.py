"""Compare one process with several on the same batches, and measure what each has to itself in memory.

    OMP_NUM_THREADS=1 torchrun --standalone --nproc-per-node 2 -m benchmarks.distributed --data DIR

DIR is made by `python -m ml.prepare`. The starter's SASRec and batches, full softmax, without the item-item
term. In every round the first process trains alone while the others wait, then all train together. Wall
seconds need as many idle cores as processes; on a busy machine look at the processor seconds of the busiest
process, which are what a step would take on idle ones, waiting for each other left out.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import distributed, nn
from tqdm import tqdm

from ml.batches import Batch, Batches
from ml.config import PRESETS, SASRecConfig, TrainingConfig
from ml.data import Dataset
from ml.distributed import ALONE, Processes, joined
from ml.fitting import make_optimiser, train_step
from ml.objective import Cost, Objective
from ml.sasrec import SASRec


class Spent(NamedTuple):
    """What some steps took of one process."""

    wall: float
    processor: float


def now() -> Spent:
    """Read both clocks."""
    return Spent(time.perf_counter(), time.process_time())


def since(began: Spent) -> Spent:
    """Return what was spent."""
    ended = now()
    return Spent(ended.wall - began.wall, ended.processor - began.processor)


class Learner:
    """A model with what a step needs, for one process or for several together."""

    def __init__(self, dataset: Dataset, config: TrainingConfig, processes: Processes) -> None:
        torch.manual_seed(config.seed)
        self.model = SASRec(SASRecConfig(n_items=dataset.n_items, **PRESETS["starter"].model))
        self.config, self.processes = config, processes
        objective = Objective(config, torch.from_numpy(dataset.item_counts()))
        self.cost: nn.Module = processes.together(Cost(self.model, objective)).train()
        self.optimiser = make_optimiser(self.model, config)

    def learn(self, batches: Sequence[Batch]) -> Spent:
        """Take a step for each batch."""
        began = now()
        for batch in batches:
            loss = train_step(self.cost, self.processes.share(batch), self.optimiser, self.config)
            self.processes.agree(loss, 0.0)
        return since(began)


def main() -> None:
    """Run the rounds and print the medians."""
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--data", type=Path, required=True)
    command.add_argument("--batch-size", type=int, default=32)
    command.add_argument("--steps", type=int, default=10, help="a round")
    command.add_argument("--rounds", type=int, default=5)
    options = command.parse_args()
    with joined("cpu") as processes:
        measure(options, processes)


def measure(options: argparse.Namespace, processes: Processes) -> None:
    """Train alone and together, in turn, and report."""
    before, dataset = private_megabytes(), Dataset.load(options.data)
    loaded = private_megabytes() - before
    config = replace(PRESETS["starter"].training, distillation=0.0, batch_size=options.batch_size)
    learners = dataset.people(config.split.training_people(dataset))
    shape = SASRecConfig(n_items=dataset.n_items, **PRESETS["starter"].model)
    batches = Batches(learners, shape.time_bins, config)
    endless = batches.endless()
    private = f"{private_megabytes() - before:.0f} MB ready to draw, {loaded:.0f} MB as loaded"
    alone = Learner(learners, config, ALONE) if processes.is_first else None
    together = Learner(learners, config, processes)
    rounds = []
    for number in tqdm(range(options.rounds + 1), disable=not processes.is_first, unit="round"):
        began = now()
        drawn = [next(endless) for _ in range(options.steps)]
        drawing = since(began)
        single = alone.learn(drawn) if alone else Spent(0.0, 0.0)
        distributed.barrier()
        shared = together.learn(drawn)
        if number:  # the first one warms up
            rounds.append((sum(batch.n_tokens for batch in drawn), drawing, single, shared))
    report(rounds, processes)
    n = sum(parameter.numel() for parameter in together.model.parameters())
    memory = f"process {processes.rank}: {private}, {private_megabytes():.0f} MB in all"
    said = processes_say(memory, processes)
    if processes.is_first:
        files = sum(file.stat().st_size for file in options.data.glob("*.npy")) / 1e6
        print(*said, f"dataset files {files:.0f} MB", sep="\n")
        print(f"{n:,} parameters, {4 * n / 1e6:.1f} MB of gradients a step and process")


def report(rounds: Sequence[tuple[int, Spent, Spent, Spent]], processes: Processes) -> None:
    """Print what a thousand events took, and the ratio round by round, of the busiest process."""
    busiest = torch.tensor([row[3].processor for row in rounds], dtype=torch.float64)
    distributed.all_reduce(busiest, distributed.ReduceOp.MAX)
    if not processes.is_first:
        return
    rows = {
        "drawing the batches, processor": [row[1].processor for row in rounds],
        "one process, processor": [row[2].processor for row in rounds],
        f"{processes.world} processes, the busiest one's processor": busiest.tolist(),
        "one process, wall": [row[2].wall for row in rounds],
        f"{processes.world} processes, wall": [row[3].wall for row in rounds],
    }
    for name, seconds in rows.items():
        each = [1e6 * spent / row[0] for spent, row in zip(seconds, rounds, strict=True)]
        print(
            f"{name}: {statistics.median(each):.1f} s a million events ({min(each):.1f} to {max(each):.1f})"
        )
    names = list(rows)
    for kind, one, many in (("processor", 1, 2), ("wall", 3, 4)):
        ratios = [a / b for a, b in zip(rows[names[one]], rows[names[many]], strict=True)]
        low, high = min(ratios), max(ratios)
        print(f"speed-up by {kind} seconds: {statistics.median(ratios):.2f} ({low:.2f} to {high:.2f})")


def processes_say(line: str, processes: Processes) -> list[str]:
    """Gather a line of every process."""
    lines = [""] * processes.world
    distributed.all_gather_object(lines, line)
    return lines


def private_megabytes() -> float:
    """Return the memory that is this process's alone; pages of a mapped file are not (Linux)."""
    rows = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    return sum(int(row.split()[1]) for row in rows if row.startswith("Private_Dirty")) / 1e3


if __name__ == "__main__":
    main()
