"""A few titles that say much about who knows them: well known, and unlike one another."""

import numpy as np
from numpy.typing import NDArray

# Of popularity against distance: the root. More, and the choice is the list of popular titles; less, and
# fewer people know three of them (measured by `benchmarks.starter_grid`).
EXPONENT = 0.5


def choose_diverse(
    popularity: NDArray[np.float64],
    cosines: NDArray[np.float32],
    groups: NDArray[np.int64],
    n: int,
    exponent: float = EXPONENT,
) -> list[int]:
    """Choose up to n of C titles, one of each group, the most popular first; return their places.

    Greedy: each is the one with the largest popularity ** exponent times its distance (1 - cosine) from the
    nearest of those chosen before. `popularity` (C,) is not negative, `cosines` are (C, C), `groups` (C,).
    """
    worth = popularity**exponent
    distance = np.ones(len(worth))
    free = np.ones(len(worth), dtype=bool)
    chosen: list[int] = []
    while free.any() and len(chosen) < n:
        best = int(np.where(free, worth * distance, -np.inf).argmax())
        chosen.append(best)
        free &= groups != groups[best]
        distance = np.minimum(distance, 1 - cosines[best])
    return chosen
