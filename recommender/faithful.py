"""How true a checkpoint's reasons are, as people read it; `recommender.faithfulness` measures it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

KEY = "faithfulness"  # among a checkpoint's metrics


@dataclass(frozen=True)
class Faithful:
    """The figures as people read them."""

    rate: float
    low: float
    high: float
    people: int
    reasons: int
    drop: float
    random_drop: float
    source: str

    @classmethod
    def of(cls, metrics: Mapping[str, Any]) -> Self | None:
        """Read what was kept; None where it was not measured, or no reason was stated."""
        kept = metrics.get(KEY)
        return cls(**kept) if kept else None

    @property
    def sentence(self) -> str:
        """Say it in one sentence; nothing is ever rounded up to certainty."""
        return (
            f"In {min(round(100 * self.rate), 99)} of 100 cases a title falls further without the stated "
            "cause than without another reaction."
        )

    @property
    def details(self) -> str:
        """Say it in full, for the admin."""
        return (
            f"{100 * self.rate:.1f} % (95 % interval {100 * self.low:.1f} to {100 * self.high:.1f}) of "
            f"{self.reasons} stated reasons for {self.people} people, {self.source}: the title's "
            f"log-probability falls by {self.drop:.2f} "
            f"without the stated cause and by {self.random_drop:.2f} without another event, on average. "
            "Stated at random, it would be 50 %."
        )
