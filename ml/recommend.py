"""Command: rank titles for every person of a histories file."""

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from ml.checkpoint import CheckpointError
from ml.history import History
from ml.ranker import Ranker
from ml.ratings import DataError, read_ratings

PEOPLE_AT_A_TIME = 512


def histories(table: pd.DataFrame) -> Iterator[tuple[str, History]]:
    """Yield each person's id and history, in the order of the file; the last row of a title wins."""
    rows = table.drop_duplicates(["user_id", "item_id"], keep="last")
    rows = rows.sort_values("timestamp", kind="stable", na_position="first")
    for user_id, group in rows.groupby("user_id", sort=False):
        times = (None if pd.isna(t) else float(t) for t in group["timestamp"])
        yield (
            str(user_id),
            History(tuple(group["item_id"].tolist()), tuple(group["feedback"].tolist()), tuple(times)),
        )


def recommend(ranker: Ranker, people: Sequence[tuple[str, History]], k: int, out: Path) -> int:
    """Write `user_id,rank,item_id,score` for every person and return how many events named an unknown title.

    Titles of a history never come back; a person without a known title gets the cold-start answer.
    """
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "rank", "item_id", "score"])
        for start in range(0, len(people), PEOPLE_AT_A_TIME):
            chunk = people[start : start + PEOPLE_AT_A_TIME]
            ranked = ranker.rank_many([history for _, history in chunk], k)
            for (user_id, _), items in zip(chunk, ranked, strict=True):
                writer.writerows(
                    [user_id, rank, item.item_id, f"{item.score:.6f}"]
                    for rank, item in enumerate(items, start=1)
                )
    return sum(not ranker.knows(item_id) for _, history in people for item_id in history.item_ids)


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
        table = read_ratings(options.histories)
        people = list(histories(table))
        n_unknown = recommend(ranker, people, options.k, options.out)
    except (DataError, CheckpointError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{options.out}: {len(people)} people; {n_unknown} events named a title nobody knows.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
