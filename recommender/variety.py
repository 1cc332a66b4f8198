"""Variety: maximal marginal relevance (Carbonell and Goldstein, 1998) over the best of an order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

# Titles that change places among one another. A fixed number, so that each page continues the one before.
WINDOW = 100
# What being unlike the cards above weighs against standing high, for each step of the slider.
WEIGHTS = (0.0, 0.15, 0.3, 0.5, 0.7)

Cosines = Callable[[Sequence[int]], NDArray[np.float32]]


def vary(ranked: Sequence[int], step: int, cosines: Cosines) -> Iterator[int]:
    """Yield the titles window by window, each place taken by what is best and least like those above it.

    Relevance is the place within the window, from 1 at its head to 0: a faded title, or one the model does
    not know, has no other. The head of the list stays, and no title leaves its window.
    """
    for start in range(0, len(ranked), WINDOW):
        window = ranked[start : start + WINDOW]
        yield from (window[place] for place in mmr(cosines(window), WEIGHTS[step]))


def mmr(likeness: NDArray[np.float32], weight: float) -> list[int]:
    """Return the places 0..n-1 of titles in relevance order, re-ranked, from their likeness (n, n)."""
    n = len(likeness)
    relevance = (1 - weight) * (1 - np.arange(n, dtype=np.float64) / max(n, 1))
    nearest = np.zeros(n)  # the highest likeness with any title chosen so far
    left = np.ones(n, dtype=bool)
    chosen: list[int] = []
    for _ in range(n):
        worth = np.where(left, relevance - weight * nearest, -np.inf)
        best = int(worth.argmax())  # the first of equals, so that the order is always the same
        chosen.append(best)
        left[best] = False
        nearest = np.maximum(nearest, likeness[best])
    return chosen
