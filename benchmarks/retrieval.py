"""Measure retrieval from a large catalogue: building the indexes, what they find, and how long it takes.

    python -m benchmarks.retrieval [--titles 1000000] [--width 192]

Synthetic titles in clusters, no item-item term, one thread. Medians with quartiles.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from benchmarks.serving import checkpoint, popularity
from ml.config import SASREC_ALONE, SASRecConfig
from ml.history import History
from ml.item_item import ItemItem
from ml.ranker import Ranker
from ml.retrieval import Retrieval
from ml.sasrec import SASRec


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--titles", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=192, help="numbers a title")
    options = parser.parse_args()
    measure_retrieval(options.titles, options.width)


def measure_retrieval(titles: int, width: int) -> None:
    """Build the indexes of a large catalogue without an item-item term, and time what is served from them."""
    config = SASRecConfig(titles, width=width)
    torch.manual_seed(0)
    weights = SASRec(config).state_dict()
    weights["items.weight"][1:] = clustered(titles, width)
    weights["bias"][1:] = torch.from_numpy(np.log(popularity(titles) * titles)).float()
    large = checkpoint(config, weights, ItemItem.nothing(titles), SASREC_ALONE)
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
