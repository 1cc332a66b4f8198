"""The tables of `benchmarks/swap.py`."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WARM = 4.0  # seconds before the first swap that count
PATIENCE = 60.0  # seconds after which a swap counts as failed
WITHIN = 5.0  # seconds in which every process must serve a promoted version

Note = dict[str, Any]  # of one request: its name, when it ended, how many ms it took, what failed
Weights = Callable[[float, float], list[list[float]]]  # what each worker weighed between two moments, in MB


@dataclass(frozen=True)
class Swap:
    """One promotion: when it was asked for, committed, and served by the last worker (epoch seconds)."""

    version: str
    asked: float
    committed: float
    served: float | None

    @property
    def end(self) -> float:
        return PATIENCE + self.committed if self.served is None else self.served


def report(swaps: list[Swap], notes: list[Note], weights: Weights) -> None:
    """Print the tables."""
    first = swaps[0].asked - WARM  # what came before only warmed up
    notes = [line for line in notes if begin(line) >= first]
    during = [line for line in notes if any(meets(line, swap) for swap in swaps)]
    outside = [line for line in notes if not any(meets(line, swap) for swap in swaps)]
    took = [swap.end - swap.committed for swap in swaps]
    failures = [line for line in notes if line["failure"]]
    in_time = sum(seconds <= WITHIN for seconds in took)
    print(f"{len(swaps)} swaps, {len(notes)} requests")
    print(f"every process on the new version within {WITHIN:g} s: {in_time} of {len(swaps)};", end=" ")
    print(f"median {statistics.median(took):.1f} s, longest {max(took):.1f} s after the promotion")
    print(f"failed requests, or pages that are not one version's: {len(failures)}", *failures[:5], sep="\n  ")
    print("\n| requests | n | p50 ms | p95 ms | p99 ms |\n| --- | --- | --- | --- | --- |")
    for name, lines in (("while no swap is going", outside), ("during a swap", during)):
        print(f"| {name} | {len(lines)} | " + " | ".join(f"{ms:.0f}" for ms in percentiles(lines)) + " |")
    print("ratio of p99:", f"{percentiles(during)[2] / percentiles(outside)[2]:.2f}")
    report_each(swaps, notes, weights)


def report_each(swaps: list[Swap], notes: list[Note], weights: Weights) -> None:
    """Print a row for each swap: how long it took, what failed, and the workers' memory around it."""
    print("\nPSS of each worker in MB, as the median before a swap and the most during it.\n")
    print("| swap | seconds | requests | failed | longest ms | before | most |\n" + "| --- " * 7 + "|")
    since = 0.0
    for number, swap in enumerate(swaps, start=1):
        mine = [line for line in notes if meets(line, swap)]
        failed = sum(bool(line["failure"]) for line in mine)
        longest = max((line["ms"] for line in mine), default=0.0)
        before = [median(mb) for mb in weights(since, swap.asked)]
        most = [max(mb, default=math.nan) for mb in weights(swap.asked, swap.end + 0.5)]
        cells = [f"{swap.end - swap.committed:.1f}", str(len(mine)), str(failed), f"{longest:.0f}"]
        cells += [", ".join(f"{mb:.0f}" for mb in each) for each in (before, most)]
        print(f"| {number} | " + " | ".join(cells) + " |")
        since = swap.end + 0.5
    after = [median(mb) for mb in weights(since, time.time())]
    print("after the last:", ", ".join(f"{mb:.0f}" for mb in after), "MB")


def median(values: list[float]) -> float:
    return statistics.median(values) if values else math.nan


def begin(line: Note) -> float:
    return float(line["end"] - line["ms"] / 1000)


def meets(line: Note, swap: Swap) -> bool:
    """Say whether a request was under way while a swap was."""
    return begin(line) < swap.end and bool(line["end"] > swap.asked)


def percentiles(lines: list[Note]) -> tuple[float, float, float]:
    cuts = statistics.quantiles([line["ms"] for line in lines], n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]
