"""Time the ranker: ranking, reasons, batch scoring, and retrieval from a large catalogue.

    python benchmarks/serving.py [--titles 12000 | --checkpoint DIR] [--rounds 30] [--against REVISION]
    python benchmarks/serving.py --retrieval 1000000 [--width 192]

The checkpoint is a real one, or synthetic, with the starter's shapes and as many titles as asked for; its
random weights change what is ranked, not how long it takes. `--against` times the code of another git
revision too: both answer in turns, ten questions a turn, so that the ratio holds on a noisy machine.
Ranking and reasons run on one thread, batch scoring on all cores. Medians with quartiles.
"""

# ruff: noqa: E402, PLC0415  # which `ml` is meant, and with how many threads, is settled before it is imported

from __future__ import annotations

import argparse
import io
import json
import os
import resource
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
from ml.config import SASREC_ALONE, Mix, SASRecConfig
from ml.history import History
from ml.id_maps import IdMap
from ml.item_item import ItemItem
from ml.ranker import Ranker
from ml.sasrec import SASRec

EVENTS = (3, 50, 200, 500)
BATCH = 512  # people that batch scoring takes at a time
KNOWN = 50  # events of each of them
A_TURN = 10
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
    parser.add_argument("--retrieval", type=int, metavar="TITLES", help="measure the indexes instead")
    parser.add_argument("--width", type=int, default=192, help="numbers a title, for --retrieval")
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.answer:
        answer(Checkpoint.load(options.checkpoint) if options.checkpoint else synthetic(options.titles))
    elif options.retrieval:
        measure_retrieval(options.retrieval, options.width)
    else:
        of = ["--checkpoint", str(options.checkpoint)] if options.checkpoint else []
        compare([*of, "--titles", str(options.titles)], options.rounds, options.against)


def compare(of: list[str], rounds: int, revision: str | None) -> None:
    """Ask the code here, and that of a revision, in turns."""
    with ExitStack() as stack:
        versions = {"now": stack.enter_context(asked(ROOT, of, threads=1))}
        many = {"now": stack.enter_context(asked(ROOT, of, threads=os.cpu_count() or 1))}
        if revision:
            folder = stack.enter_context(checked_out(revision))
            versions[revision] = stack.enter_context(asked(folder, of, threads=1))
            many[revision] = stack.enter_context(asked(folder, of, threads=os.cpu_count() or 1))
        print(f"{' '.join(of)}: milliseconds, median [quartiles] of the wall; processor time")
        for question in QUESTIONS:
            is_batch = question.startswith("batch")
            report(question, many if is_batch else versions, max(rounds // 5, 3) if is_batch else rounds)


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
def asked(root: Path, of: list[str], threads: int) -> Iterator[Callable[[str], list[float]]]:
    """Start a process with the `ml` of `root` and give the function that asks it for times."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--answer", *of],
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


def answer(checkpoint: Checkpoint) -> None:
    """Time each question read from the standard input, wall and processor, in milliseconds."""
    ranker = Ranker(checkpoint)
    for line in sys.stdin:
        kind, events = line.split()
        ask, turns = asking(ranker, kind, int(events))
        times = []
        for _ in range(turns):
            wall, processor = time.perf_counter(), time.process_time()
            ask()
            times += [1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - processor)]
        print(*times, flush=True)


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
    """Make a checkpoint of the starter's shapes: two blocks of width 192, 200 neighbours, 768 factors."""
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    givers = np.sort(rng.choice(titles, 200 * titles, p=popularity(titles)))
    targets = rng.integers(1, titles + 1, len(givers))
    term = {
        "offsets": torch.from_numpy(np.append([0, 0], np.bincount(givers, minlength=titles).cumsum())),
        "targets": torch.from_numpy(targets).to(torch.int16 if titles < 2**15 else torch.int32),
        "values": 0.02 * torch.randn(len(givers)),
        "factors": F.pad(0.02 * torch.randn(titles, 768), (0, 0, 1, 0)),
        "inputs": F.pad(0.2 * torch.rand(titles), (1, 0)),
        "outputs": F.pad(0.2 * torch.rand(titles), (1, 0)),
        "said": torch.tensor([0, -0.5, 1, 1.5, 1]),
    }
    config = SASRecConfig(titles, width=192)
    weights = SASRec(config).state_dict()
    return checkpoint(config, halved(weights), ItemItem(halved(term)), Mix())


def checkpoint(
    config: SASRecConfig, weights: dict[str, torch.Tensor], term: ItemItem, mix: Mix
) -> Checkpoint:
    """Give the titles ids and counts."""
    counts = np.append(0, 1e6 * popularity(config.n_items)).astype(np.int64)
    return Checkpoint(
        config, IdMap(range(1, config.n_items + 1)), weights, torch.from_numpy(counts), term, mix
    )


def halved(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Round to float16, as small checkpoints are stored."""
    return {n: t.half().float() if t.is_floating_point() else t for n, t in tensors.items()}


def measure_retrieval(titles: int, width: int) -> None:
    """Build the indexes of a large catalogue without an item-item term, and time what is served from them."""
    from ml.retrieval import Retrieval  # not at the top: an older revision may have none

    config = SASRecConfig(titles, width=width)
    torch.manual_seed(0)
    weights = SASRec(config).state_dict()
    weights["items.weight"][1:] = clustered(titles, width)
    weights["bias"][1:] = torch.from_numpy(np.log(popularity(titles) * titles)).float()
    large = checkpoint(config, halved(weights), ItemItem.nothing(titles), SASREC_ALONE)
    began, busy = time.perf_counter(), time.process_time()
    retrieval = Retrieval.build(large)
    assert retrieval is not None
    candidates = retrieval.candidates
    assert candidates is not None, retrieval.facts
    print(f"{titles} titles of width {width} in clusters, one thread; both indexes built and measured in")
    print(f"{time.perf_counter() - began:.0f} s ({time.process_time() - busy:.0f} s of processor time)")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB")
    print(json.dumps(retrieval.facts, indent=1))
    ranker, exact = Ranker(large, retrieval), Ranker(large)
    rng = np.random.default_rng(1)
    for name, hide in (("", 0), (", the 100 best hidden", 100)):
        found: list[float] = []
        times: list[float] = []
        searches: list[float] = []
        for _ in range(40):
            one = History.of([item.item_id for item in ranker.similar(int(rng.integers(1, titles)), 10)])
            hidden = {item.item_id for item in exact.rank(one, hide)} if hide else set()
            best = {item.item_id for item in exact.rank(one, 100, exclude=hidden)}
            with stopwatch(times):
                ranked = ranker.rank(one, 100, exclude=hidden)
            found.append(len(best & {item.item_id for item in ranked}) / 100)
            vector = rng.standard_normal((1, width + 1), dtype=np.float32)
            with stopwatch(searches):
                candidates.search(vector, 100)
        print(f"10 titles told{name}: recall@100 {statistics.mean(found):.3f}; median milliseconds:")
        print(f"  encode, retrieve, score, top 100 {quartiles(times)}; the index alone {quartiles(searches)}")


@contextmanager
def stopwatch(times: list[float]) -> Iterator[None]:
    """Note how many milliseconds the block took."""
    began = time.perf_counter()
    yield
    times.append(1000 * (time.perf_counter() - began))


def quartiles(times: list[float]) -> str:
    """Say the median and the quartiles."""
    low, middle, high = statistics.quantiles(times, n=4)
    return f"{middle:.2f} [{low:.2f}, {high:.2f}]"


def clustered(titles: int, width: int) -> torch.Tensor:
    """Draw title vectors (N, D): 100 genres, in them kinds of 500 titles, 64 dimensions that matter."""
    rng = np.random.default_rng(0)
    inner = min(64, width)
    genres, kinds = rng.standard_normal((100, inner)), rng.standard_normal((max(titles // 500, 20), inner))
    kinds = genres[rng.integers(0, 100, len(kinds))] + 0.7 * kinds
    own = 0.7 * rng.standard_normal((titles, inner), dtype=np.float32)
    projection = rng.standard_normal((inner, width)) / np.sqrt(inner * width)
    vectors = (kinds.astype(np.float32)[rng.integers(0, len(kinds), titles)] + own) @ projection
    return torch.from_numpy(vectors.astype(np.float32))


if __name__ == "__main__":
    main()
