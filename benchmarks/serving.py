"""Time the ranker: ranking, reasons and batch scoring; and the memory of processes that serve.

    python benchmarks/serving.py [--titles 12000 | --checkpoint DIR] [--rounds 30] [--against REVISION]
    python benchmarks/serving.py --memory [--checkpoint DIR] [--against REVISION]

The checkpoint is a real one, or synthetic, with the starter's shapes and as many titles as asked for; its
random weights change what is ranked, not how long it takes. `--against` times the code of another git
revision too: both answer in turns, ten questions a turn, so that the ratio holds on a noisy machine.
Ranking and reasons run on one thread, batch scoring on all cores. Medians with quartiles. `--memory` lets two
processes load the checkpoint, then once more as in a hot swap, and asks the kernel what each holds.
"""

# ruff: noqa: E402  # which `ml` is meant, and with how many threads, is settled before it is imported

from __future__ import annotations

import argparse
import io
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if "--answer" not in sys.argv:  # those who answer are told by PYTHONPATH
    sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F  # noqa: N812  # PyTorch's own convention

from ml.checkpoint import Checkpoint
from ml.config import Mix, SASRecConfig
from ml.history import History
from ml.id_maps import IdMap
from ml.item_item import ItemItem
from ml.ranker import Ranker
from ml.sasrec import SASRec

EVENTS = (3, 50, 200, 500)
BATCH = 512  # people that batch scoring takes at a time
KNOWN = 50  # events of each of them
A_TURN = 10
MEMORY = ("Pss", "Anonymous", "Rss")
QUESTIONS = [
    *(f"{kind} {events}" for kind in ("rank", "explain", "ordered") for events in EVENTS),
    f"batch {KNOWN}",
]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--titles", type=int, default=12_000)
    parser.add_argument("--checkpoint", type=Path, metavar="DIR", help="a real checkpoint instead")
    parser.add_argument("--rounds", type=int, default=30, help="turns of ten questions")
    parser.add_argument("--against", metavar="REVISION", help="a git revision to compare with")
    parser.add_argument("--memory", action="store_true", help="measure memory instead")
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.answer:
        answer(options.checkpoint)
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = options.checkpoint or Path(folder) / "synthetic"
            if not options.checkpoint:
                synthetic(options.titles).save(path, half=True)
            print("the checkpoint" if options.checkpoint else f"synthetic, {options.titles} titles", end=": ")
            if options.memory:
                measure_memory(path, options.against)
            else:
                compare(path, options.rounds, options.against)


def compare(path: Path, rounds: int, revision: str | None) -> None:
    """Ask the code here, and that of a revision, in turns."""
    with roots(revision) as folders, ExitStack() as stack:
        versions, many = (
            {name: stack.enter_context(asked(root, path, threads)) for name, root in folders.items()}
            for threads in (1, os.cpu_count() or 1)
        )
        print("milliseconds, median [quartiles] of the wall; processor time")
        for question in QUESTIONS:
            is_batch = question.startswith("batch")
            report(question, many if is_batch else versions, max(rounds // 5, 3) if is_batch else rounds)


def measure_memory(path: Path, revision: str | None) -> None:
    """Let two processes of each code load the checkpoint twice, and say by how much each has grown."""
    print("MB more than before, of one of two processes")
    with roots(revision) as folders:
        for name, root in folders.items():
            with asked(root, path, 1) as one, asked(root, path, 1) as other:
                start = one("memory 0")
                for loaded in ("loaded", "loaded twice"):
                    for ask in (one, other):
                        ask("load 0")
                    grown = dict(zip(MEMORY, np.subtract(one("memory 0"), start), strict=True))
                    print(f"{name}, {loaded}: " + ", ".join(f"{n} {mb:.1f}" for n, mb in grown.items()))


@contextmanager
def roots(revision: str | None) -> Iterator[dict[str, Path]]:
    """Name the folders of the code here and of a revision."""
    if not revision:
        yield {"now": ROOT}
        return
    with checked_out(revision) as folder:
        yield {"now": ROOT, revision: folder}


def report(question: str, versions: dict[str, Callable[[str], list[float]]], rounds: int) -> None:
    """Ask one question over and over and print a line."""
    walls: dict[str, list[float]] = {name: [] for name in versions}
    processor: dict[str, list[float]] = {name: [] for name in versions}
    for number in range(rounds + 1):
        for name, ask in versions.items():
            times = ask(question)
            if number:  # the first turn only warms up
                walls[name] += times[0::2]
                processor[name] += times[1::2]
    parts = []
    for name in versions:
        low, middle, high = statistics.quantiles(walls[name], n=4)
        busy = statistics.median(processor[name])
        parts.append(f"{name}: {middle:.2f} [{low:.2f}, {high:.2f}]; {busy:.2f}")
        if question.startswith("batch"):
            parts[-1] += f", {BATCH / middle * 1000:,.0f} people/s"
    if len(versions) > 1:
        now, before = (statistics.median(times) for times in walls.values())
        parts.append(f"ratio {before / now:.1f}")
    print(f"{question:<12} " + "   ".join(parts), flush=True)


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """Unpack the `ml` of a revision."""
    packed = subprocess.run(["git", "archive", revision, "ml"], cwd=ROOT, capture_output=True, check=True)
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


@contextmanager
def asked(root: Path, path: Path, threads: int) -> Iterator[Callable[[str], list[float]]]:
    """Start a process with the `ml` of `root` and give the function that asks it for times."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--answer", "--checkpoint", str(path)],
        env=os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": str(threads)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None

    def ask(question: str) -> list[float]:
        stdin.write(question + "\n")
        stdin.flush()
        return [float(number) for number in stdout.readline().split()]

    yield ask
    stdin.close()
    process.wait()


def answer(path: Path) -> None:
    """Time each question read from the standard input, wall and processor, in milliseconds."""
    rankers: list[Ranker] = []
    for line in sys.stdin:
        kind, events = line.split()
        times: list[float] = []
        if kind == "memory":
            times = memory()
        if kind == "load" or (kind != "memory" and not rankers):
            rankers.append(Ranker.load(path))
            rankers[-1].rank(History.of(rankers[-1].item_ids[:KNOWN]), 20)
        if kind not in ("memory", "load"):
            times = timed(*asking(rankers[0], kind, int(events)))
        print(*times, flush=True)


def timed(ask: Callable[[], object], turns: int) -> list[float]:
    """Return wall and processor time of each turn, one after the other."""
    times = []
    for _ in range(turns):
        wall, processor = time.perf_counter(), time.process_time()
        ask()
        times += [1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - processor)]
    return times


def memory() -> list[float]:
    """Return the kinds of `MEMORY` in MB: fair share, own and cannot be dropped, all that is touched."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return [kilobytes[kind] / 1024 for kind in MEMORY]


def asking(ranker: Ranker, kind: str, events: int) -> tuple[Callable[[], object], int]:
    """Return what to time, and how often: the best 20 of one or many people, or the reasons of 20 cards."""
    rng = np.random.default_rng(events)
    people = [person(ranker, rng, events) for _ in range(BATCH if kind == "batch" else 1)]
    if kind == "batch":
        return (lambda: ranker.rank_many(people, 20)), 1
    one = people[0]
    if kind == "rank":
        return (lambda: ranker.rank(one, 20)), A_TURN
    if kind == "ordered":
        one = History(one.item_ids, one.feedback, tuple(1.5e9 + 1e5 * number for number in range(events)))
    cards = [item.item_id for item in ranker.rank(one, 20)]
    return (lambda: ranker.explain(one, cards)), A_TURN


def person(ranker: Ranker, rng: np.random.Generator, events: int) -> History:
    """Draw a history without dates, popular titles more often."""
    ids = np.array(ranker.item_ids)
    drawn = rng.choice(ids, events, replace=False, p=popularity(len(ids)))
    return History(tuple(drawn.tolist()), tuple(rng.integers(1, 5, events).tolist()), (None,) * events)


def popularity(titles: int) -> NDArray[np.float64]:
    """Return how often each title is drawn, about as uneven as in the real ratings."""
    weights = 1 / np.arange(1, titles + 1) ** 0.6
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def synthetic(titles: int) -> Checkpoint:
    """Make a checkpoint of the starter's shapes: two blocks of width 192, 400 neighbours, 256 factors.

    Random weights change what is ranked, not how long it takes.
    """
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    # Evenly: in the starter no title gives to more than 1,066 others, popular ones to fewer than 400.
    givers = np.sort(rng.choice(titles, 400 * titles))
    targets = rng.integers(1, titles + 1, len(givers))
    term = {
        "offsets": torch.from_numpy(np.append([0, 0], np.bincount(givers, minlength=titles).cumsum())),
        "targets": torch.from_numpy(targets).to(torch.int16 if titles < 2**15 else torch.int32),
        "values": 0.02 * torch.randn(len(givers)),
        "factors": F.pad(0.02 * torch.randn(titles, 256), (0, 0, 1, 0)),
        "inputs": F.pad(0.2 * torch.rand(titles), (1, 0)),
        "outputs": F.pad(0.2 * torch.rand(titles), (1, 0)),
        "said": torch.tensor([0, -0.5, 1, 1.5, 1]),
    }
    config = SASRecConfig(titles, width=192)
    return checkpoint(config, SASRec(config).state_dict(), ItemItem(term), Mix())


def checkpoint(
    config: SASRecConfig, weights: dict[str, torch.Tensor], term: ItemItem, mix: Mix
) -> Checkpoint:
    """Give the titles ids and counts."""
    counts = np.append(0, 1e6 * popularity(config.n_items)).astype(np.int64)
    return Checkpoint(
        config, IdMap(range(1, config.n_items + 1)), weights, torch.from_numpy(counts), term, mix
    )


if __name__ == "__main__":
    main()
