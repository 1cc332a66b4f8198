"""What two trainers in two environments share: sequences in, scores out.

The file in: `offsets` (U + 1,) and `items` (E,) of the training sequences, in time order, titles numbered
from 1 to `n_items`; and the histories to score, of each kind `NAME_offsets` and `NAME_items`. The file out:
`epochs` and `seconds` (C,) at each of C checks, `tokens` and `targets` of one epoch, and of each kind
`NAME_scores` (C, U, n_items + 1).
"""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.data import Dataset
from ml.metrics import METRICS, target_ranks
from ml.protocols import Case
from ml.ratings import DataError


def write_sequences(path: Path, training: Dataset, kinds: Mapping[str, Sequence[Case]]) -> None:
    """Write the file in."""
    arrays: dict[str, NDArray[np.int64]] = {}
    for name, cases in kinds.items():
        rows = [training.id_map.indices_of(case.known.item_ids) for case in cases]
        arrays[f"{name}_offsets"] = np.cumsum([0, *map(len, rows)])
        arrays[f"{name}_items"] = np.concatenate(rows)
    np.savez(
        path,
        n_items=training.n_items,
        offsets=training.offsets,
        items=training.items.astype(np.int64),
        **arrays,  # type: ignore[arg-type]
    )


def judge(
    scores: NDArray[np.float32], training: Dataset, cases: Sequence[Case], k: int = 10
) -> dict[str, NDArray[np.float64]]:
    """Return each metric's per-person values, by scores (U, N + 1), with what is known masked."""
    values: dict[str, list[float]] = {}
    for row, case in zip(scores, cases, strict=True):
        indices = training.id_map.indices_of
        found = target_ranks(row, indices(case.targets), indices(case.known.item_ids))
        for name, metric in METRICS.items():
            values.setdefault(f"{name}@{k}", []).append(metric(found, k))
    return {name: np.array(column) for name, column in values.items()}


def rectools(python: Path, sequences: Path, out: Path, **options: object) -> dict[str, NDArray[np.float64]]:
    """Run RecTools with its own Python, unless `out` is there already, and return what it wrote."""
    if not out.exists():
        draft = out.with_name(f"draft-{out.name}")
        script = Path(__file__).with_name("rectools_sasrec.py")
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        command = [str(python), str(script), f"--sequences={sequences}", f"--out={draft}", *arguments]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)  # the caller's own
        except OSError as error:
            raise DataError(
                f"{python} cannot be run; give --rectools the Python of its environment."
            ) from error
        except subprocess.CalledProcessError as error:
            raise DataError(f"RecTools failed: {error.stderr.strip().splitlines()[-1]}") from error
        draft.rename(out)
    with np.load(out) as arrays:
        return dict(arrays)
