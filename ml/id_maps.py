"""Ids outside, indices inside."""

from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

PADDING_INDEX = 0


class IdMap:
    """An immutable, append-only map between outside ids and the indices 1..N; index 0 is padding.

    Raises ValueError when an id comes twice.
    """

    def __init__(self, item_ids: Iterable[int] = ()) -> None:
        self._ids: tuple[int, ...] = tuple(int(item_id) for item_id in item_ids)
        self._indices = {item_id: index for index, item_id in enumerate(self._ids, start=1)}
        if len(self._indices) != len(self._ids):
            raise ValueError("An id map needs each id once.")

    def __len__(self) -> int:
        """Count the ids, without padding."""
        return len(self._ids)

    def __contains__(self, item_id: object) -> bool:
        """Tell whether the id has an index."""
        return item_id in self._indices

    def __eq__(self, other: object) -> bool:
        """Compare by the ids and their order."""
        return isinstance(other, IdMap) and self._ids == other._ids

    def __hash__(self) -> int:
        """Hash like the ids."""
        return hash(self._ids)

    @property
    def ids(self) -> tuple[int, ...]:
        """Every id, that of index 1 first."""
        return self._ids

    def id_of(self, index: int) -> int:
        """Return the id of an index in 1..N. Raises IndexError outside of it."""
        if not 1 <= index <= len(self._ids):
            raise IndexError(f"Index {index} is not in 1..{len(self._ids)}.")
        return self._ids[index - 1]

    def index_of(self, item_id: int) -> int:
        """Return the index of an id, or 0 (padding) when it is unknown."""
        return self._indices.get(item_id, PADDING_INDEX)

    def indices_of(self, item_ids: Sequence[int]) -> NDArray[np.int64]:
        """Return the indices of many ids, shape (len(item_ids),), 0 where unknown."""
        indices = map(self._indices.get, item_ids, repeat(PADDING_INDEX))
        return np.fromiter(indices, dtype=np.int64, count=len(item_ids))

    def extend(self, item_ids: Iterable[int]) -> "IdMap":
        """Return a map with the new ids appended in the order given; every old id keeps its index."""
        new = dict.fromkeys(int(item_id) for item_id in item_ids)
        return IdMap((*self._ids, *(item_id for item_id in new if item_id not in self._indices)))
