"""What dislikes do, on held-out people: to titles like a disliked one, and to titles they will dislike."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.checkpoint import Checkpoint, CheckpointError
from ml.config import SASREC_ALONE
from ml.data import Dataset
from ml.feedback import Feedback
from ml.metrics import bootstrap
from ml.protocols import KNOWN, Case, examine, fold_in
from ml.ranker import Ranker
from ml.ratings import DataError
from ml.splits import Split
from ml.wording import interval_text

TOLD = 10  # titles, before the one that is disliked or liked
SIMILAR = 10  # titles most like it
OCTAVES = 0.5  # titles are of equal popularity when their people differ by at most a factor of 2 ** 0.5
MIN_EVENTS = 5


@dataclass(frozen=True)
class Verdict:
    """The held-out titles that one person dislikes, and those they like or love, all outside ids."""

    disliked: tuple[int, ...]
    liked: tuple[int, ...]


def verdicts(people: Dataset, cases: Sequence[Case]) -> list[Verdict]:
    """Say of each case, made by `fold_in` of the same people, what was thought of its targets."""
    users = np.flatnonzero(people.lengths >= MIN_EVENTS)
    found = []
    for user, case in zip(users.tolist(), cases, strict=True):
        history = people.history(user)
        said = dict(zip(history.item_ids, history.feedback, strict=True))
        found.append(
            Verdict(
                tuple(i for i in case.targets if said[i] == Feedback.DISLIKE),
                tuple(i for i in case.targets if said[i] in (Feedback.LIKE, Feedback.LOVE)),
            )
        )
    return found


def shown_rates(
    shown: NDArray[np.int64],
    disliked: Sequence[NDArray[np.int64]],
    liked: Sequence[NDArray[np.int64]],
    item_counts: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return how often each person's list shows their disliked titles, and liked ones as popular, (U', 2).

    `shown` (U, k) are top lists, `disliked` and `liked` each person's held-out titles (indices all),
    `item_counts` (N + 1,) people per title. Each disliked title is held against the person's liked titles
    within half an octave of its popularity; one without such a title is left out, and so are people without
    any pair.
    """
    octave = np.log2(np.maximum(item_counts, 1))
    rows = []
    for top, bad, good in zip(shown, disliked, liked, strict=True):
        pairs = []
        for title in bad:
            peers = good[np.abs(octave[good] - octave[title]) <= OCTAVES]
            if len(peers):
                pairs.append((float(title in top), float(np.isin(peers, top).mean())))
        if pairs:
            rows.append(np.mean(pairs, axis=0))
    return np.array(rows).reshape(-1, 2)


def responses(ranker: Ranker, cases: Sequence[Case]) -> NDArray[np.float64]:
    """Return how a dislike of one more title moves the ten titles most like it, (U', 2).

    Their mean log-probability after ten titles and a dislike of the eleventh, less that after the ten titles
    alone, and less that with a like instead. People with fewer titles known are left out.
    """
    rows = []
    for case in cases:
        history = case.told(TOLD)
        rest = [i for i in case.known.item_ids if i not in history.item_ids and ranker.knows(i)]
        if len(history) < TOLD or not rest:
            continue
        similar = [item.item_id for item in ranker.similar(rest[0], SIMILAR, exclude=history.item_ids)]
        ends = [history.added(rest[0], f) for f in (Feedback.DISLIKE, Feedback.LIKE)]
        scores = ranker.scores([history, *ends])[:, ranker.id_map.indices_of(similar)]
        without, disliked, liked = scores.mean(1)
        rows.append((disliked - without, disliked - liked))
    return np.array(rows).reshape(-1, 2)


def report(checkpoint: Checkpoint, people: Dataset) -> dict[str, Any]:
    """Measure a checkpoint on people it never saw, with 95 % intervals over people, for JSON.

    Raises DataError when nobody has a pair of a disliked and a liked title to compare.
    """
    cases = fold_in(people, min_events=MIN_EVENTS)
    ranker, counts = Ranker(checkpoint), checkpoint.item_counts.numpy()
    moved = responses(ranker, cases)
    figures: dict[str, Any] = {"known": {}}
    if len(moved):
        names = ("dislike less nothing", "dislike less like")
        figures |= {n: bootstrap(row).to_dict() for n, row in zip(names, moved.T, strict=True)}
    found = verdicts(people, cases)
    disliked, liked = (
        [ranker.id_map.indices_of(getattr(verdict, name)) for verdict in found]
        for name in ("disliked", "liked")
    )
    for n in KNOWN:
        rates = shown_rates(examine(ranker, cases, n, (20,)).shown, disliked, liked, counts)
        if not len(rates):
            raise DataError("Nobody held out dislikes a title and likes one as popular; use more data.")
        figures["known"][str(n or "all")] = {
            "disliked@20": bootstrap(rates[:, 0]).to_dict(),
            "liked as popular@20": bootstrap(rates[:, 1]).to_dict(),
            "difference": bootstrap(rates[:, 0] - rates[:, 1]).to_dict(),
        }
    return figures


def table(figures: dict[str, Any]) -> str:
    """Lay the figures out as text."""
    lines = [f"{name:>24}  {_cell(row)}" for name, row in figures.items() if name != "known"]
    for label, rows in figures["known"].items():
        lines += [f"{label:>4} told {name:>20}  {_cell(row)}" for name, row in rows.items()]
    return "\n".join(lines)


def _cell(interval: dict[str, float]) -> str:
    return f"{interval_text(interval, '+')}, {interval['n']} people"


def parser() -> argparse.ArgumentParser:
    """Define the command line."""
    command = argparse.ArgumentParser(prog="python -m ml.dislikes", description=__doc__)
    command.add_argument("--data", type=Path, required=True, help="directory made by python -m ml.prepare")
    command.add_argument("--checkpoint", type=Path, required=True)
    command.add_argument("--sasrec-alone", action="store_true", help="without the item-item term")
    command.add_argument("--json", type=Path, help="write every figure there")
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = parser().parse_args(arguments)
    try:
        checkpoint, dataset = Checkpoint.load(options.checkpoint), Dataset.load(options.data)
        if checkpoint.data.get("fingerprint") != dataset.fingerprint:
            raise DataError(
                f"{options.checkpoint} was trained on other data than {options.data}; measure it on its own "
                "dataset directory."
            )
        if options.sasrec_alone:
            checkpoint = replace(checkpoint, mix=SASREC_ALONE)
        held_out = Split(**checkpoint.training["split"]).holdout_people(dataset)
        figures = report(checkpoint, dataset.people(held_out))
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1) + "\n")
    except (DataError, CheckpointError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(table(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
