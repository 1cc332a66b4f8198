"""Nearest neighbours among title vectors, by FAISS (Douze et al., 2024)."""

import math
from dataclasses import dataclass
from typing import Protocol, Self, cast

import faiss
import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
DEPTH = 100  # the recall that is promised is that of the 100 best
PROMISE = 0.95
WANTED = 0.97  # what the probes are chosen for, on other queries than those that measure
TRAINED_ON = 64  # vectors a list its centre is learned from
DEEPER = 8  # rows to ask an approximate index for, for each that is wanted
MOST_PROBED = 1 / 8  # of the lists: beyond, an exact scan is hardly slower


class ItemIndex(Protocol):
    """Finds the rows of a table of vectors that are nearest to a query."""

    def search(self, queries: Vectors, k: int, masked: Rows | None = None) -> tuple[Vectors, Rows]:
        """Return likenesses and rows, each (Q, k), nearest first, without the `masked` rows.

        Row -1 where there are fewer than k.
        """
        ...


class ExactIndex:
    """Cosine neighbours by exhaustive search over (N, D) vectors; read-only, so safe between threads."""

    def __init__(self, vectors: Vectors) -> None:
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(normalised(vectors))

    def search(self, queries: Vectors, k: int, masked: Rows | None = None) -> tuple[Vectors, Rows]:
        """Return cosines and rows, each (Q, k), nearest first."""
        if masked is None:
            cosines, rows = self._index.search(normalised(queries), k)
        else:
            parameters = faiss.SearchParameters(sel=_all_but(masked))  # type: ignore[call-arg]
            cosines, rows = self._index.search(normalised(queries), k, params=parameters)
        return cosines, rows


@dataclass(frozen=True)
class ApproximateIndex:
    """Rows of large inner products with a table, in the likeliest of its lists (IVF; Jegou et al., 2011).

    Two numbers of a vector are kept in 4 bits (product quantisation, scanned in registers; Andre et al.,
    2017), which is read ten times as fast as float16. Codes rank roughly: ask for `DEEPER` times as many rows
    as are wanted, and score these exactly. Read-only, so safe between threads; the same query always gets the
    same answer. For cosines, hand in vectors and queries of length one.
    """

    ivf: faiss.IndexIVF
    probes: int  # lists that are looked into for a hundred wanted rows
    recall: float  # of the 100 best among DEEPER times as many, with queries it was not tuned on

    @classmethod
    def build(cls, vectors: Vectors, queries: Vectors) -> Self:
        """Build an index of (N, D) vectors and measure it with queries (Q, D): a minute for a million.

        Half of the queries choose how many lists are probed, the other half measure the recall.
        """
        best = exact_best(vectors, queries, DEPTH)
        vectors = _even(vectors)
        N, D = vectors.shape
        n_lists = 2 ** round(math.log2(2 * math.sqrt(N)))
        kind = f"IVF{n_lists},PQ{D // 2}x4fs"
        ivf = cast(faiss.IndexIVF, faiss.index_factory(D, kind, faiss.METRIC_INNER_PRODUCT))
        ivf.cp.max_points_per_centroid, ivf.cp.niter = TRAINED_ON, 10
        drawn = np.random.default_rng(0).permutation(N)[: TRAINED_ON * n_lists]
        ivf.train(np.ascontiguousarray(vectors[np.sort(drawn)]))
        ivf.add(vectors)
        index, half = cls(ivf, 1, 0.0), len(queries) // 2
        while index.probes < MOST_PROBED * n_lists and index.recall < WANTED:
            tuned = cls(ivf, index.probes * 2, 0.0)
            index = cls(ivf, tuned.probes, tuned.recall_of(queries[:half], best[:half]))
        return cls(ivf, index.probes, index.recall_of(queries[half:], best[half:]))

    @property
    def keeps_promise(self) -> bool:
        """Tell whether the recall of the 100 best is what serving may count on."""
        return self.recall >= PROMISE

    def recall_of(self, queries: Vectors, best: Rows) -> float:
        """Return the share of the `best` rows (Q, k) that are among `DEEPER` times as many."""
        found = self.search(queries, DEEPER * best.shape[1])[1]
        hits = [len(np.intersect1d(a, b)) for a, b in zip(found, best, strict=True)]
        return sum(hits) / best.size

    def search(self, queries: Vectors, k: int, masked: Rows | None = None) -> tuple[Vectors, Rows]:
        """Return rough inner products and rows, each (Q, k); more lists for a large k or many masked."""
        wanted = k + (0 if masked is None else min(len(masked), 2 * k))  # the masked may be the nearest
        probes = min(self.probes * max(round(wanted / (DEEPER * DEPTH)), 1), self.ivf.nlist)
        selector = None if masked is None else _all_but(masked)
        parameters = faiss.SearchParametersIVF(nprobe=probes, sel=selector)  # type: ignore[call-arg]
        products, rows = self.ivf.search(_even(queries), k, params=parameters)
        return products, rows


def exact_best(vectors: Vectors, queries: Vectors, k: int) -> Rows:
    """Return the rows of the k largest inner products (Q, k), by an exhaustive scan."""
    return np.asarray(faiss.knn(queries, vectors, k, metric=faiss.METRIC_INNER_PRODUCT)[1])


def _even(vectors: Vectors) -> Vectors:
    """Append a zero where the width is odd: codes take two numbers at a time."""
    return np.ascontiguousarray(np.pad(vectors, ((0, 0), (0, vectors.shape[1] % 2))))


def normalised(vectors: Vectors) -> Vectors:
    """Scale each row to length one; a zero row stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


def _all_but(masked: Rows) -> faiss.IDSelector:
    return faiss.IDSelectorNot(faiss.IDSelectorBatch(np.ascontiguousarray(masked, dtype=np.int64)))
