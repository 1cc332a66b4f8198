"""How long another thread of the process waits for its turn while a checkpoint is being loaded.

    python -m benchmarks.swap_stall [--checkpoint ml/starter] [--loads 10]

A thread sleeps a millisecond at a time and notes how late it wakes: that is the interpreter's lock, and the
system. Idle and loading alternate, so that both meet the same machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import threading
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import torch

from ml.history import History
from ml.ranker import Ranker

NAP = 0.001


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=Path("ml/starter"))
    parser.add_argument("--loads", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    load(arguments.checkpoint)  # the first one pays for imports
    late: dict[str, list[float]] = {"idle": [], "loading": []}
    seconds = 0.0
    for _ in range(arguments.loads):
        with Sleeper(late["idle"]):
            time.sleep(1)
        began = time.process_time()
        with Sleeper(late["loading"]):
            load(arguments.checkpoint)
        seconds += time.process_time() - began
    print(f"{seconds / arguments.loads:.2f} processor seconds a load")
    print("\n| late, in ms | n | p50 | p99 | most |\n| --- | --- | --- | --- | --- |")
    for name, ms in late.items():
        cuts = statistics.quantiles(ms, n=100, method="inclusive")
        print(f"| {name} | {len(ms)} | {cuts[49]:.1f} | {cuts[98]:.1f} | {max(ms):.1f} |")


def load(path: Path) -> None:
    """Do what serving does to a checkpoint before it goes live."""
    Ranker.load(path).rank(History(), 1)


class Sleeper:
    """Notes in `late` how many ms after its nap a thread wakes, while the block runs."""

    def __init__(self, late: list[float]) -> None:
        self.late, self.done = late, False
        self.thread = threading.Thread(target=self.sleep)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.done = True
        self.thread.join()

    def sleep(self) -> None:
        while not self.done:
            began = time.perf_counter()
            time.sleep(NAP)
            self.late.append((time.perf_counter() - began - NAP) * 1000)


if __name__ == "__main__":
    main()
