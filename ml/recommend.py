"""Command: rank titles for every person of a histories file."""

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from ml.checkpoint import CheckpointError
from ml.history import History
from ml.ranker import Ranker
from ml.ratings import DataError, read_ratings

PEOPLE_AT_A_TIME = 256
SCORES_AT_A_TIME = 4_000_000  # numbers held at once: fewer people where the catalogue is large


def histories(table: pd.DataFrame) -> Iterator[tuple[str, History]]:
    """Yield each person's id and history, in the order of the file; the last row of a title wins."""
    people, user_ids = pd.factorize(table["user_id"])
    kept = ~table.duplicated(["user_id", "item_id"], keep="last").to_numpy()
    rows, person = table[kept], people[kept]
    seconds = rows["timestamp"].to_numpy(np.float64)
    order = np.lexsort((np.nan_to_num(seconds, nan=-np.inf), person))  # events without a time come first
    items, feedback, seconds = (
        column[order] for column in (rows["item_id"].to_numpy(), rows["feedback"].to_numpy(), seconds)
    )
    stops = np.bincount(person, minlength=len(user_ids)).cumsum().tolist()
    for user_id, start, stop in zip(user_ids, [0, *stops], stops, strict=False):
        mine = slice(start, stop)
        times = (None if t != t else t for t in seconds[mine].tolist())  # NaN is not itself
        yield str(user_id), History(tuple(items[mine].tolist()), tuple(feedback[mine].tolist()), tuple(times))


def recommend(ranker: Ranker, people: Iterable[tuple[str, History]], k: int, out: Path) -> tuple[int, int]:
    """Write `user_id,rank,item_id,score` for every person; count the people, and events of unknown titles.

    Titles of a history never come back; a person without a known title gets the cold-start answer. People
    are taken some at a time, so memory does not grow with their scores. Raises ValueError for k below 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}.")
    n_people = n_unknown = 0
    people = iter(people)
    at_a_time = max(1, min(PEOPLE_AT_A_TIME, SCORES_AT_A_TIME // max(len(ranker.item_ids), 1)))
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "rank", "item_id", "score"])
        while chunk := list(islice(people, at_a_time)):
            ranked = ranker.rank_many([history for _, history in chunk], k)
            for (user_id, history), items in zip(chunk, ranked, strict=True):
                n_unknown += sum(not ranker.knows(item_id) for item_id in history.item_ids)
                writer.writerows(
                    (user_id, rank, item.item_id, f"{item.score:.6f}")
                    for rank, item in enumerate(items, start=1)
                )
            n_people += len(chunk)
    return n_people, n_unknown


def parser() -> argparse.ArgumentParser:
    """Define the command line."""
    command = argparse.ArgumentParser(prog="python -m ml.recommend", description=__doc__)
    command.add_argument("--checkpoint", type=Path, required=True)
    command.add_argument(
        "--histories", type=Path, required=True, help="CSV with the columns of a ratings file"
    )
    command.add_argument("--k", type=int, default=20, help="titles a person")
    command.add_argument("--out", type=Path, required=True, help="CSV to write")
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = parser().parse_args(arguments)
    try:
        ranker = Ranker.load(options.checkpoint)
        people = histories(read_ratings(options.histories))
        n_people, n_unknown = recommend(ranker, people, options.k, options.out)
    except (DataError, CheckpointError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{options.out}: {n_people} people; {n_unknown} events named a title nobody knows.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
