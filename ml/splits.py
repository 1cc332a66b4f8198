"""Who is held out: decided by a hash of the person's id, so that it never changes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the settings need Split, and a web process that reads settings needs no pandas
    from ml.data import Dataset


@dataclass(frozen=True)
class Split:
    """Shares of people: `holdout` is never trained on, `validation` stops training and chooses recipes.

    A smaller holdout is always part of a larger one.
    """

    holdout: float = 0.1
    validation: float = 0.05

    def holdout_people(self, dataset: Dataset) -> NDArray[np.bool_]:
        """Mark the held-out people (U,)."""
        return user_fractions(dataset.user_ids) < self.holdout

    def validation_people(self, dataset: Dataset) -> NDArray[np.bool_]:
        """Mark the validation people (U,); they are the top end of the hash, far from any holdout."""
        return user_fractions(dataset.user_ids) >= 1.0 - self.validation

    def training_people(self, dataset: Dataset) -> NDArray[np.bool_]:
        """Mark everybody else (U,)."""
        return ~(self.holdout_people(dataset) | self.validation_people(dataset))


def user_fractions(user_ids: NDArray[np.str_]) -> NDArray[np.float64]:
    """Map each id to a fixed fraction in [0, 1) by its sha256."""
    digests = (hashlib.sha256(str(user_id).encode()).digest()[:8] for user_id in user_ids)
    return np.array([int.from_bytes(digest, "big") / 2**64 for digest in digests])
