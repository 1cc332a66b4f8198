"""Nearest neighbours among item vectors, by FAISS (Douze et al., 2024)."""

from typing import Protocol

import faiss
import numpy as np
from numpy.typing import NDArray


class ItemIndex(Protocol):
    """Finds the rows of a table of vectors that are nearest to a query."""

    def search(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return cosines and rows, each (Q, k), nearest first; row -1 where there are fewer than k."""
        ...


class ExactIndex:
    """Cosine neighbours by exhaustive search over (N, D) vectors; read-only, so safe between threads."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(normalised(vectors))

    def search(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return cosines and rows, each (Q, k), nearest first."""
        cosines, rows = self._index.search(normalised(queries), k)
        return cosines, rows


def normalised(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each row to length one; a zero row stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
