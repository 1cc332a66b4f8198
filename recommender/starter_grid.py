"""What a newcomer picks from: titles that many know, and that are far apart in the model's eyes.

To love one of twenty popular titles says little, because most people do. What helps to tell people apart is
known to many and unlike the rest of the wall. Chosen once for each checkpoint and catalogue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml.diverse import choose_diverse
from recommender.catalogue import Catalogue, Rows

if TYPE_CHECKING:
    from ml.ranker import Ranker

N_STARTERS = 48
SPARE = 12  # stand in for titles that curators hide: the snapshot of the catalogue does not know of that
AMONG = 300  # the most popular titles; beyond, too few people know a title for it to stand on a wall


def starter_grid(catalogue: Catalogue, ranker: Ranker | None) -> tuple[int, ...]:
    """Choose titles for everybody, one of each series, those that say most first, and some to spare.

    Where the ranker knows too few popular titles, or there is none, the most popular of other series fill up.
    """
    popular = catalogue.popular[~catalogue.is_adult[catalogue.popular]][:AMONG]
    known = np.array([row for row in popular if ranker and ranker.knows(int(catalogue.ids[row]))], dtype=int)
    chosen = _diverse(catalogue, ranker, known) if ranker is not None else known
    others = popular[~np.isin(catalogue.group[popular], catalogue.group[chosen])]
    first = others[np.sort(np.unique(catalogue.group[others], return_index=True)[1])]
    return tuple(catalogue.ids[np.concatenate([chosen, first])][: N_STARTERS + SPARE].tolist())


def _diverse(catalogue: Catalogue, ranker: Ranker, rows: Rows) -> Rows:
    cosines = ranker.cosines(catalogue.ids[rows].tolist())
    members = catalogue.members[rows].astype(np.float64)
    return rows[choose_diverse(members, cosines, catalogue.group[rows], N_STARTERS + SPARE)]
