"""Compare loader, split and metrics with RecBole's own, without training anything.

    python -m benchmarks.same_split --ratings ratings.csv --recbole ENVIRONMENT/bin/python

The environment is that of requirements-recbole.txt. RecBole comes with MovieLens-100K, of which
`ratings.csv` must be a copy. Events of the same second have no order to agree on, so the targets compared are
those of people whose last second has one event. The metrics are of the same random scores.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.published import METRICS
from ml.data import Dataset, clean
from ml.leave_out import leave_one_out_in_time
from ml.metrics import target_ranks
from ml.ratings import DataError, read_ratings

COUNTS = (1, 5)  # people a title needs, and titles a person, in the two publications


def recbole(python: Path, min_count: int) -> Mapping[str, Any]:
    """Run RecBole with its own Python and return what it wrote."""
    script = Path(__file__).with_name("recbole_split.py")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "split.npz"
        command = [str(python.absolute()), str(script), f"--out={out}", f"--min-count={min_count}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, cwd=folder)  # it leaves logs there
        except OSError as error:
            raise DataError(
                f"{python} cannot be run; give --recbole the Python of its environment."
            ) from error
        if done.returncode:
            raise DataError(f"RecBole failed; is its environment complete?\n{done.stderr[-2000:]}")
        with np.load(out) as arrays:
            return dict(arrays)


def same_targets(dataset: Dataset, theirs: Mapping[str, Any]) -> tuple[int, int]:
    """Count people with the same test target, and people whose last second has one event."""
    target_of = dict(zip(theirs["users"].tolist(), theirs["targets"].tolist(), strict=True))
    same = sure = 0
    for user, case in enumerate(leave_one_out_in_time(dataset).test):
        before, last = dataset.timestamps[dataset.offsets[user + 1] - 2 : dataset.offsets[user + 1]]
        if before < last:
            sure += 1
            same += case.targets[0] == target_of[str(dataset.user_ids[user])]
    return same, sure


def metrics(theirs: Mapping[str, Any]) -> dict[str, float]:
    """Measure RecBole's scores as `benchmarks.published` measures a model's."""
    scores = theirs["scores"]
    scores[:, 0] = 0  # padding, which never competes
    nothing = np.zeros(0, dtype=np.int64)
    pairs = zip(scores, theirs["places"][:, None], strict=True)
    ranks = [target_ranks(row, place, nothing) for row, place in pairs]
    found = {}
    for name in theirs["names"].tolist():
        metric, k = name.split("@")
        found[name] = float(np.mean([METRICS[metric](row, int(k)) for row in ranks]))
    return found


def compare(dataset: Dataset, theirs: Mapping[str, Any]) -> None:
    """Print the table of one publication's data."""
    training = leave_one_out_in_time(dataset).training
    same, sure = same_targets(dataset, theirs)
    rows = {
        "people": (int(theirs["people"]), dataset.n_users),
        "titles": (int(theirs["titles"]), dataset.n_items),
        "training targets": (int(theirs["rows"]), len(training.items) - training.n_users),
        "test targets, the order being known": (sure, same),
    }
    print("| | RecBole | here |\n| --- | --- | --- |")
    for name, (their, our) in rows.items():
        print(f"| {name} | {their:,} | {our:,} |")
    for (name, our), their in zip(metrics(theirs).items(), theirs["figures"], strict=True):
        print(f"| {name} of the same scores | {their:.4f} | {our:.4f} |")
    print()


def main() -> int:
    """Run the command and return its exit status."""
    command = argparse.ArgumentParser(
        prog="python -m benchmarks.same_split",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--ratings", type=Path, required=True)
    command.add_argument("--recbole", type=Path, required=True, help="the Python of RecBole's environment")
    options = command.parse_args()
    try:
        ratings = read_ratings(options.ratings, rating_scale=5)
        for count in COUNTS:
            compare(clean([ratings], count, count), recbole(options.recbole, count))
    except (DataError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
