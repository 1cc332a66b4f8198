"""ItemKNN: titles are neighbours when the same people reacted to them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml.baselines import gram
from ml.data import Dataset
from ml.history import History
from ml.id_maps import IdMap


class ItemKNN:
    """Sum the similarities of a title to the history's titles (Sarwar et al., 2001).

    The similarity is the cosine with shrinkage, c_ij / (sqrt(c_i c_j) + shrinkage), where c counts people, so
    that few common people prove little. Of each title's similarities only the `k` largest count (Deshpande
    and Karypis, 2004). A dense (N, N) matrix: 4 N^2 bytes. Raises ValueError when `k` is below 1.
    """

    def __init__(self, dataset: Dataset, k: int = 100, shrinkage: float = 10.0) -> None:
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}.")
        self._id_map = dataset.id_map
        self.weights = nearest(cosines(dataset, shrinkage), k)  # (N, N), row: a title of the history

    @property
    def id_map(self) -> IdMap:
        """Return the titles it knows."""
        return self._id_map

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Sum the similarities to the history's titles, (len(histories), N + 1); zero for an empty one."""
        x = multi_hot(histories, self._id_map)
        scores = np.full_like(x, -np.inf)
        scores[:, 1:] = x[:, 1:] @ self.weights
        return scores


def cosines(dataset: Dataset, shrinkage: float) -> NDArray[np.float32]:
    """Return the shrunk cosine of each pair of titles (N, N), zero on the diagonal and where nobody is."""
    together = gram(dataset)
    lengths = np.sqrt(np.diag(together))
    below = np.outer(lengths, lengths) + shrinkage
    similarity = np.divide(together, below, out=np.zeros_like(together), where=below > 0)
    np.fill_diagonal(similarity, 0.0)
    return similarity.astype(np.float32)


def nearest(similarity: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """Keep the `k` largest of each row of (N, N), the others are zero."""
    N = len(similarity)
    if k >= N:
        return similarity
    kept = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
    sparse = np.zeros_like(similarity)
    np.put_along_axis(sparse, kept, np.take_along_axis(similarity, kept, axis=1), axis=1)
    return sparse


def multi_hot(histories: Sequence[History], id_map: IdMap) -> NDArray[np.float32]:
    """Mark each history's titles, (len(histories), N + 1); unknown titles fall on column 0."""
    x = np.zeros((len(histories), len(id_map) + 1), dtype=np.float32)
    for row, history in enumerate(histories):
        x[row, id_map.indices_of(history.item_ids)] = 1.0
    return x
