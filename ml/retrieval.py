"""Command: build the indexes of a large catalogue beside its checkpoint, and measure what they find."""

import argparse
import json
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.checkpoint import Checkpoint, CheckpointError
from ml.encoding import FEEDBACK, ITEM, TIME
from ml.feedback import Feedback
from ml.index import DEEPER, DEPTH, ApproximateIndex, ItemIndex, Vectors, exact_best, normalised
from ml.mixed_score import MixedScore
from ml.time_bins import UNKNOWN_BIN

EXACT_UP_TO = 50_000  # titles; scoring all of them takes some milliseconds
N_QUERIES = 200
KNOWN = 10  # titles of each history that measures
FACTS, CANDIDATES, NEIGHBOURS = "retrieval.json", "candidates.faiss", "neighbours.faiss"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retrieval:
    """The indexes of a large catalogue; None where one found too little and an exact scan must serve.

    `candidates` finds the titles of the highest logits for a state, `neighbours` those of the highest cosine.
    `facts` say how each was measured, and why one is missing.
    """

    candidates: ApproximateIndex | None
    neighbours: ApproximateIndex | None
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    @torch.inference_mode()
    def build(cls, checkpoint: Checkpoint) -> Self | None:
        """Build and measure both indexes: minutes for a million titles. None where the catalogue is small.

        None too where there is an item-item term: it may lift titles that SASRec alone does not retrieve.
        Candidates are measured with the states after histories of ten titles, each a title and its nearest.
        """
        if not is_large(checkpoint):
            return None
        score = MixedScore(checkpoint)
        table = score.items.vectors(slice(1, None)).numpy()
        cosines = normalised(table)
        rows = np.random.default_rng(0).choice(len(table), N_QUERIES, replace=False)
        neighbours, near_facts = _measured("similar titles", cosines, cosines[rows])
        near = exact_best(cosines, cosines[rows], KNOWN) + 1
        states = score.states([_liked(history[history > 0]) for history in near])
        candidates, facts = _measured("candidates", augmented(score), queries(states))
        return cls(
            candidates if candidates.keeps_promise else None,
            neighbours if neighbours.keeps_promise else None,
            {"version": checkpoint.version, "candidates": facts, "neighbours": near_facts},
        )

    def save(self, path: Path) -> None:
        """Write the indexes into a checkpoint directory; the facts last, without which nothing is read."""
        (path / FACTS).unlink(missing_ok=True)
        for name, index in ((CANDIDATES, self.candidates), (NEIGHBOURS, self.neighbours)):
            (path / name).unlink(missing_ok=True)
            if index is not None:
                faiss.write_index(index.ivf, str(path / name))
        (path / FACTS).write_text(json.dumps(self.facts, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path, checkpoint: Checkpoint) -> Self | None:
        """Read what `save` wrote; None, with a warning, where a large catalogue has no indexes of its own."""
        if not is_large(checkpoint):
            return None
        try:
            facts = json.loads((path / FACTS).read_text())
            if facts["version"] != checkpoint.version:
                raise ValueError("they were made for other weights")
            return cls(
                _read(path / CANDIDATES, facts["candidates"], checkpoint.config.width + 1),
                _read(path / NEIGHBOURS, facts["neighbours"], checkpoint.config.width),
                facts,
            )
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            logger.warning(
                "Every title of %s is scored, because its indexes cannot be used (%s); "
                "make them with python -m ml.retrieval --checkpoint %s.", path, error, path
            )  # fmt: skip
            return None


def is_large(checkpoint: Checkpoint) -> bool:
    """Tell whether scoring every title is too slow and SASRec alone decides."""
    return checkpoint.config.n_items > EXACT_UP_TO and checkpoint.item_item.is_silent


def augmented(score: MixedScore) -> Vectors:
    """Return the title vectors with their biases as a last number, (N, D + 1): logit = dot product."""
    table, bias = score.items.vectors(slice(1, None)), score.model.bias.detach()[1:, None]
    return torch.cat([table, bias], 1).numpy()


def queries(states: Tensor) -> Vectors:
    """Return what to search the augmented vectors for, (B, D + 1)."""
    return torch.cat([states, states.new_ones(len(states), 1)], 1).numpy()


def _measured(what: str, vectors: Vectors, asked: Vectors) -> tuple[ApproximateIndex, dict[str, Any]]:
    """Build an index and describe it."""
    began = time.perf_counter()
    index = ApproximateIndex.build(vectors, asked)
    facts: dict[str, Any] = {
        "recall@100": round(index.recall, 4),
        "probes": index.probes,
        "lists": index.ivf.nlist,
        "seconds": round(time.perf_counter() - began, 1),
    }
    if not index.keeps_promise:
        facts["reason"] = f"{what}: recall@100 of {index.recall:.3f} is less than promised, all are scanned"
    return index, facts


def _liked(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Encode a set of liked titles, (5, L)."""
    encoded = np.zeros((5, len(indices)), dtype=np.int64)
    encoded[ITEM], encoded[FEEDBACK], encoded[TIME] = indices, int(Feedback.LIKE), UNKNOWN_BIN
    return encoded


def _read(path: Path, facts: dict[str, Any], width: int) -> ApproximateIndex | None:
    """Read one index, None where it was found wanting."""
    if "reason" in facts:
        return None
    ivf = faiss.read_index(str(path))
    if not isinstance(ivf, faiss.IndexIVF) or ivf.d != width + width % 2:
        raise ValueError(f"{path.name} does not fit")
    return ApproximateIndex(ivf, int(facts["probes"]), float(facts["recall@100"]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    command = argparse.ArgumentParser(prog="python -m ml.retrieval", description=__doc__)
    command.add_argument("--checkpoint", type=Path, required=True)
    path = command.parse_args(arguments).checkpoint
    try:
        checkpoint = Checkpoint.load(path)
        retrieval = Retrieval.build(checkpoint)
        if retrieval is not None:
            retrieval.save(path)
    except (CheckpointError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if retrieval is None:
        sys.stdout.write(
            f"{path}: {checkpoint.config.n_items} titles; no index is needed up to {EXACT_UP_TO}, "
            "nor with an item-item term.\n"
        )
    else:
        sys.stdout.write(json.dumps(retrieval.facts, indent=1) + "\n")
    return 0


def depth(k: int) -> int:
    """Return how many titles to retrieve, to be scored exactly, where k are wanted."""
    return DEEPER * max(k, DEPTH)


def retrieve(candidates: ItemIndex, state: Tensor, k: int, masked: NDArray[np.int64]) -> Tensor:
    """Return the titles (T,), T <= k, whose logits for a state (1, D) the index takes for the highest."""
    rows = candidates.search(queries(state), k, masked - 1)[1][0]
    return torch.from_numpy(np.sort(rows[rows >= 0]) + 1)


if __name__ == "__main__":
    sys.exit(main())
