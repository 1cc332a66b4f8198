"""What every ranker and baseline has in common."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ml.history import History
from ml.id_maps import IdMap


class Scorer(Protocol):
    """Something that scores the whole catalogue for a person."""

    @property
    def id_map(self) -> IdMap:
        """Return the titles it knows."""
        ...

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Score every title for each history, (len(histories), N + 1), higher is better; column 0 is -inf."""
        ...
