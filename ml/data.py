"""The clean dataset: one sequence a person, flat arrays, a fingerprint."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.directories import new_directory
from ml.feedback import Feedback
from ml.history import History
from ml.id_maps import IdMap
from ml.ratings import DataError

ARRAYS = ("user_ids", "offsets", "items", "feedback", "timestamps")


@dataclass(frozen=True)
class Dataset:
    """The histories of U people with E events over N titles, flat.

    Person u has the events offsets[u]:offsets[u + 1]. Within a person, events without a time come first (a
    set), then the others by time.
    """

    id_map: IdMap
    user_ids: NDArray[np.str_]  # (U,)
    offsets: NDArray[np.int64]  # (U + 1,)
    items: NDArray[np.int32]  # (E,), indices of id_map
    feedback: NDArray[np.int8]  # (E,), values of Feedback
    timestamps: NDArray[np.float64]  # (E,), Unix seconds, NaN where unknown

    @property
    def n_users(self) -> int:
        """Count the people."""
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        """Count the titles, without padding."""
        return len(self.id_map)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Count each person's events (U,)."""
        return np.diff(self.offsets)

    @property
    def user_of_event(self) -> NDArray[np.int64]:
        """Number the person of each event (E,)."""
        return np.repeat(np.arange(self.n_users), self.lengths)

    def item_counts(self) -> NDArray[np.int64]:
        """Count the people of each title, shape (N + 1,), index 0 for padding."""
        return np.bincount(self.items, minlength=self.n_items + 1)

    @cached_property
    def fingerprint(self) -> str:
        """Hash everything that training can see (sha256, hex)."""
        digest = hashlib.sha256(np.array(self.id_map.ids, dtype="<i8").tobytes())
        digest.update("\n".join(self.user_ids.tolist()).encode())
        for array in (self.offsets, self.items, self.feedback, self.timestamps):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def history(self, user: int) -> History:
        """Return the history of person `user` (0..U-1) with outside ids."""
        events = slice(self.offsets[user], self.offsets[user + 1])
        times = (None if np.isnan(t) else float(t) for t in self.timestamps[events])
        return History(
            tuple(self.id_map.id_of(int(i)) for i in self.items[events]),
            tuple(int(f) for f in self.feedback[events]),
            tuple(times),
        )

    def people(self, chosen: NDArray[np.bool_]) -> "Dataset":
        """Keep the people where `chosen` (U,) is true; the titles stay."""
        events = np.repeat(chosen, self.lengths)
        offsets = np.concatenate([[0], np.cumsum(self.lengths[chosen])])
        return Dataset(
            self.id_map,
            self.user_ids[chosen],
            offsets,
            self.items[events],
            self.feedback[events],
            self.timestamps[events],
        )

    def reindexed(self, id_map: IdMap) -> "Dataset":
        """Express the same events in the indices of a map that knows every title of this one."""
        table = np.concatenate([[0], id_map.indices_of(self.id_map.ids)]).astype(np.int32)
        if (table[1:] == 0).any():
            raise DataError("The new id map lacks titles of the data; extend it first.")
        return replace(self, id_map=id_map, items=table[self.items])

    def save(self, path: Path, stats: dict[str, Any]) -> None:
        """Write the arrays as .npy and `stats.json`. Raises FileExistsError when `path` exists."""
        with new_directory(path) as draft:
            for name in ARRAYS:
                np.save(draft / f"{name}.npy", getattr(self, name))
            np.save(draft / "item_ids.npy", np.array(self.id_map.ids, dtype=np.int64))
            (draft / "stats.json").write_text(json.dumps(stats, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Dataset":
        """Read what `save` wrote. Raises DataError when it is not there or was changed."""
        try:
            stats = json.loads((path / "stats.json").read_text())
            arrays = {name: np.load(path / f"{name}.npy") for name in (*ARRAYS, "item_ids")}
        except (OSError, ValueError) as error:
            raise DataError(
                f"{path} is not a dataset directory; make one with python -m ml.prepare."
            ) from error
        dataset = cls(IdMap(arrays.pop("item_ids").tolist()), **arrays)
        if dataset.fingerprint != stats.get("fingerprint"):
            raise DataError(
                f"{path} does not match its fingerprint; make it again with python -m ml.prepare."
            )
        return dataset


def clean(
    tables: Sequence[pd.DataFrame],
    min_item_count: int = 10,
    min_user_count: int = 2,
    keep_items: Collection[int] = (),
) -> Dataset:
    """Join tables of `read_ratings` into one dataset; people of different tables never collide.

    The last of several rows of one person and title wins. Titles with fewer than `min_item_count` people go,
    unless in `keep_items`, then people with fewer than `min_user_count` titles. Raises DataError when nothing
    is left.
    """
    rows, user_ids = _joined(tables)
    rows = rows.drop_duplicates(["user", "item_id"], keep="last")
    counts = rows["item_id"].value_counts()
    kept = counts.index[(counts >= min_item_count) | counts.index.isin(list(keep_items))]
    rows = rows[rows["item_id"].isin(kept)]
    per_user = np.bincount(rows["user"], minlength=len(user_ids))
    rows = rows[per_user[rows["user"]] >= min_user_count]
    if not len(rows):
        raise DataError(
            f"No row is left: titles need {min_item_count} ratings and people {min_user_count} titles; "
            "bring more data or lower --min-item-count and --min-user-count."
        )
    rows = rows.sort_values(["user", "timestamp"], kind="stable", na_position="first")
    return _as_dataset(rows, user_ids)


def _joined(tables: Sequence[pd.DataFrame]) -> tuple[pd.DataFrame, NDArray[np.str_]]:
    """Number people across tables. Return rows with a `user` column, and the id of each number."""
    parts, user_ids = [], []
    n_users = 0
    for table in tables:
        codes, names = pd.factorize(table["user_id"])
        parts.append(table.drop(columns="user_id").assign(user=codes + n_users))
        user_ids.append(np.array([str(name) for name in names], dtype=np.str_))
        n_users += len(names)
    return pd.concat(parts, ignore_index=True), np.concatenate(user_ids)


def _as_dataset(rows: pd.DataFrame, user_ids: NDArray[np.str_]) -> Dataset:
    """Turn clean sorted rows into flat arrays."""
    item_ids, indices = np.unique(rows["item_id"].to_numpy(np.int64), return_inverse=True)
    users, lengths = np.unique(rows["user"].to_numpy(np.int64), return_counts=True)
    return Dataset(
        IdMap(item_ids.tolist()),
        user_ids[users],
        np.concatenate([[0], np.cumsum(lengths)]),
        (indices + 1).astype(np.int32),
        rows["feedback"].to_numpy(np.int8),
        rows["timestamp"].to_numpy(np.float64),
    )


def describe(dataset: Dataset) -> dict[str, Any]:
    """Count what a dataset holds, for `stats.json`."""
    timed = np.isfinite(dataset.timestamps)
    return {
        "fingerprint": dataset.fingerprint,
        "users": dataset.n_users,
        "items": dataset.n_items,
        "events": len(dataset.items),
        "events_with_time": int(timed.sum()),
        "feedback": {f.name.lower(): int((dataset.feedback == f).sum()) for f in Feedback if f},
    }
