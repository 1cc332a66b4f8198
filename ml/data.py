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

from ml.content import ItemContent
from ml.directories import new_directory
from ml.feedback import Feedback
from ml.history import History
from ml.id_maps import IdMap
from ml.ratings import DataError

ARRAYS = ("user_ids", "offsets", "items", "feedback", "timestamps")
CONTEXT_MAPS = "context_maps.json"


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
    content: ItemContent | None = None  # of the N titles in order, then of titles nobody reacted to

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
            digest.update(np.ascontiguousarray(array).data)
        if self.content is not None:
            for array in self.content.arrays.values():
                digest.update(np.ascontiguousarray(array).data)
            digest.update(json.dumps(self.content.maps).encode())
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
        if chosen.all():
            return self  # no copy, so that processes go on sharing the file's pages
        events = np.repeat(chosen, self.lengths)
        offsets = np.concatenate([[0], np.cumsum(self.lengths[chosen])])
        return Dataset(
            self.id_map,
            self.user_ids[chosen],
            offsets,
            self.items[events],
            self.feedback[events],
            self.timestamps[events],
            self.content,
        )

    def reindexed(self, id_map: IdMap) -> "Dataset":
        """Express the same events in the indices of a map that knows every title of this one."""
        table = np.concatenate([[0], id_map.indices_of(self.id_map.ids)]).astype(np.int32)
        if (table[1:] == 0).any():
            raise DataError("The new id map lacks titles of the data; extend it first.")
        return replace(self, id_map=id_map, items=table[self.items])

    def save(self, path: Path, stats: dict[str, Any]) -> None:
        """Write the arrays as .npy, `context_maps.json` and `stats.json`.

        Raises FileExistsError when `path` exists.
        """
        arrays = self.content.arrays if self.content else {}
        maps: dict[str, Any] = {"feedback": {f.name.lower(): int(f) for f in Feedback}}
        if self.content:
            maps["content"] = self.content.maps
        with new_directory(path) as draft:
            for name in ARRAYS:
                np.save(draft / f"{name}.npy", getattr(self, name))
            for name, array in arrays.items():
                np.save(draft / f"{name}.npy", array)
            np.save(draft / "item_ids.npy", np.array(self.id_map.ids, dtype=np.int64))
            (draft / CONTEXT_MAPS).write_text(json.dumps(maps, indent=1) + "\n")
            (draft / "stats.json").write_text(json.dumps(stats, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Dataset":
        """Read what `save` wrote; the arrays stay in their files, which the processes of a machine share.

        Raises DataError when it is not there or was changed.
        """
        try:
            stats = json.loads((path / "stats.json").read_text())
            files = {name: path / f"{name}.npy" for name in (*ARRAYS, "item_ids")}
            arrays = {name: np.asarray(np.load(file, mmap_mode="r")) for name, file in files.items()}
            content = _load_content(path) if "content" in stats else None
        except (OSError, ValueError, KeyError) as error:
            raise DataError(
                f"{path} is not a dataset directory; make one with python -m ml.prepare."
            ) from error
        dataset = cls(IdMap(arrays.pop("item_ids").tolist()), **arrays, content=content)
        if dataset.fingerprint != stats.get("fingerprint"):
            raise DataError(
                f"{path} does not match its fingerprint; make it again with python -m ml.prepare."
            )
        return dataset


def _load_content(path: Path) -> ItemContent:
    """Read the item content of a dataset directory."""
    maps = json.loads((path / CONTEXT_MAPS).read_text())["content"]
    names = ("item_ids", "offsets", "features", "values")
    item_ids, offsets, features, values = (np.load(path / f"content_{name}.npy") for name in names)
    return ItemContent(item_ids, offsets, features, values, maps)


def joined(first: Dataset, second: Dataset) -> Dataset:
    """Put the people of two datasets together, whose ids must differ; titles of `second` alone come last."""
    id_map = first.id_map.extend(second.id_map.ids)
    first, second = first.reindexed(id_map), second.reindexed(id_map)
    return Dataset(
        id_map,
        np.concatenate([first.user_ids, second.user_ids]),
        np.concatenate([first.offsets, first.offsets[-1] + second.offsets[1:]]),
        np.concatenate([first.items, second.items]),
        np.concatenate([first.feedback, second.feedback]),
        np.concatenate([first.timestamps, second.timestamps]),
    )


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
    users, user_ids = _people(tables)
    items, item_ids = pd.factorize(np.concatenate([table["item_id"].to_numpy(np.int64) for table in tables]))
    kept = _last_of_each(users * len(item_ids) + items)
    counts = np.bincount(items[kept], minlength=len(item_ids))
    common = (counts >= min_item_count) | np.isin(item_ids, list(keep_items))
    kept = kept[common[items[kept]]]
    lengths = np.bincount(users[kept], minlength=len(user_ids))
    kept = kept[(lengths >= min_user_count)[users[kept]]]
    if not len(kept):
        raise DataError(
            f"No row is left: titles need {min_item_count} ratings and people {min_user_count} titles; "
            "bring more data or lower --min-item-count and --min-user-count."
        )
    feedback = np.concatenate([table["feedback"].to_numpy(np.int8) for table in tables])[kept]
    timestamps = np.concatenate([table["timestamp"].to_numpy(np.float64) for table in tables])[kept]
    users, items = users[kept], items[kept]
    order = np.lexsort((np.nan_to_num(timestamps, nan=-np.inf), users))  # stable
    return _as_dataset(user_ids, item_ids, users[order], items[order], feedback[order], timestamps[order])


def _people(tables: Sequence[pd.DataFrame]) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    """Number people across tables, in the order they come. Return each row's number, and each number's id."""
    numbers, user_ids = [], []
    n_users = 0
    for table in tables:
        codes, names = pd.factorize(table["user_id"])
        numbers.append(codes.astype(np.int64) + n_users)
        user_ids.append(np.array([str(name) for name in names], dtype=np.str_))
        n_users += len(names)
    return np.concatenate(numbers), np.concatenate(user_ids)


def _last_of_each(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places of the last row of each key, ascending."""
    order = np.argsort(keys, kind="stable")  # fast where the file is sorted already
    sorted_keys = keys[order]
    kept = np.zeros(len(keys), dtype=bool)
    kept[order[np.append(sorted_keys[1:] != sorted_keys[:-1], True)[: len(keys)]]] = True
    return np.flatnonzero(kept)


def _as_dataset(
    user_ids: NDArray[np.str_],
    item_ids: NDArray[np.int64],
    users: NDArray[np.int64],
    items: NDArray[np.int64],
    feedback: NDArray[np.int8],
    timestamps: NDArray[np.float64],
) -> Dataset:
    """Turn clean sorted rows into flat arrays; indices follow the ascending ids of the titles left."""
    lengths = np.bincount(users, minlength=len(user_ids))
    left = np.flatnonzero(np.bincount(items))
    left = left[np.argsort(item_ids[left])]
    indices = np.zeros(len(item_ids), dtype=np.int32)
    indices[left] = np.arange(1, len(left) + 1)
    return Dataset(
        IdMap(item_ids[left].tolist()),
        user_ids[lengths > 0],
        np.concatenate([[0], np.cumsum(lengths[lengths > 0])]),
        indices[items],
        feedback,
        timestamps,
    )


def describe(dataset: Dataset) -> dict[str, Any]:
    """Count what a dataset holds, for `stats.json`."""
    timed = np.isfinite(dataset.timestamps)
    stats: dict[str, Any] = {
        "fingerprint": dataset.fingerprint,
        "users": dataset.n_users,
        "items": dataset.n_items,
        "events": len(dataset.items),
        "events_with_time": int(timed.sum()),
        "feedback": {f.name.lower(): int((dataset.feedback == f).sum()) for f in Feedback if f},
    }
    if dataset.content is not None:
        filled = np.diff(dataset.content.offsets) > 0
        stats["content"] = {
            "features": {block: len(names) for block, names in dataset.content.maps.items()},
            "items_with_content": int(filled[: dataset.n_items].sum()),
            "cold_items": len(filled) - dataset.n_items,
        }
    return stats
