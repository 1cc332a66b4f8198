"""Discovery: from what everybody knows to hidden gems, among what the model itself foretells for a person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# The best of an order, which change places. What is below stays: a gem must suit the person first, and of
# very rare titles a model knows little but chance.
WINDOW = 300
# How much a place among the rare (above 0) or the known (below 0) counts beside the place in the order.
# Places, not log-probabilities: log p(title | person) - b log p(title) changes nothing on the first page up
# to b = 0.8, and from 0.9 on shows titles that hardly anybody ever rated.
WEIGHTS = (-0.7, -0.35, 0.0, 0.35, 0.7)


def discover(ranked: Sequence[int], step: int, known: NDArray[np.float64]) -> list[int]:
    """Return the titles with the first `WINDOW` of them re-ranked, by how `known` (n,) each of these is."""
    window, weight = ranked[:WINDOW], WEIGHTS[step]
    n = len(window)
    rarity = np.empty(n)
    rarity[np.argsort(-known[:n], kind="stable")] = np.arange(n)
    sought = rarity if weight < 0 else n - 1 - rarity
    place = (1 - abs(weight)) * np.arange(n) + abs(weight) * sought
    return [*(window[row] for row in np.argsort(place, kind="stable").tolist()), *ranked[WINDOW:]]
