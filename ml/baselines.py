"""Rankers to beat, with the same interface."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml.data import Dataset
from ml.history import History
from ml.id_maps import IdMap


class Popularity:
    """The titles most people reacted to, for everybody alike."""

    def __init__(self, dataset: Dataset) -> None:
        self._id_map = dataset.id_map
        self.counts = dataset.item_counts().astype(np.float32)
        self.counts[0] = -np.inf

    @property
    def id_map(self) -> IdMap:
        """Return the titles it knows."""
        return self._id_map

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Score by the number of people, shape (len(histories), N + 1)."""
        return np.tile(self.counts, (len(histories), 1))


class EASE:
    """Embarrassingly shallow autoencoder (Steck, 2019): scores x B, with a closed form for B.

    B = I - P / diag(P) with P = (X'X + lambda I)^-1.

    One dense inverse: N^3 time, 8 N^2 bytes a matrix; 4,000 titles take seconds.
    """

    def __init__(self, dataset: Dataset, regularisation: float = 200.0) -> None:
        self._id_map = dataset.id_map
        inverse = np.linalg.inv(gram(dataset) + regularisation * np.eye(dataset.n_items))
        weights = inverse / -np.diag(inverse)
        np.fill_diagonal(weights, 0.0)
        self.weights = weights.astype(np.float32)  # (N, N)

    @property
    def id_map(self) -> IdMap:
        """Return the titles it knows."""
        return self._id_map

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Sum the weights of the history's titles, shape (len(histories), N + 1); zero for an empty one."""
        x = np.zeros((len(histories), len(self._id_map) + 1), dtype=np.float32)
        for row, history in enumerate(histories):
            x[row, self._id_map.indices_of(history.item_ids)] = 1.0
        scores = np.full_like(x, -np.inf)
        scores[:, 1:] = x[:, 1:] @ self.weights
        return scores


def gram(dataset: Dataset, list_power: float = 0.0, chunk: int = 2048) -> NDArray[np.float64]:
    """Count the people of each pair of titles, X'X of shape (N, N), a chunk of people at a time.

    A person with n titles has n ** list_power in each of them.
    """
    N = dataset.n_items
    total = np.zeros((N, N), dtype=np.float64)
    users = dataset.user_of_event
    values = dataset.lengths.astype(np.float32) ** np.float32(list_power)
    for start in range(0, dataset.n_users, chunk):
        stop = min(start + chunk, dataset.n_users)
        events = slice(dataset.offsets[start], dataset.offsets[stop])
        x = np.zeros((stop - start, N), dtype=np.float32)
        x[users[events] - start, dataset.items[events] - 1] = values[users[events]]
        total += x.T @ x
    return total
