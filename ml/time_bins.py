"""Calendar time, and the time since the event before, as a few learned bins."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Granularity = Literal["month", "quarter", "year"]
PADDING_BIN = 0
UNKNOWN_BIN = 1
FIRST_BIN = 2  # the first calendar bin
MONTHS_PER_BIN: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}

DAY = 86_400.0
GAP_EDGES = np.array([DAY / 24, DAY / 4, DAY, 7 * DAY, 30 * DAY, 91 * DAY, 365 * DAY])  # seconds
FIRST_GAP_BIN = 2  # PADDING_BIN and UNKNOWN_BIN as above; then a gap of less than an hour
N_GAP_BINS = FIRST_GAP_BIN + len(GAP_EDGES) + 1  # the last: a year or longer


def gap_bins(timestamps: NDArray[np.float64], firsts: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Return the bins (E,) of the seconds since the event before, UNKNOWN where one of the two has no time.

    They tell a binge from a pause. The bins grow like a logarithm: an hour, six hours, a day, a week, a
    month, a quarter, a year. `firsts` are the places where another person's events begin; without them all
    are one person's. A time before its predecessor's counts as the same moment.
    """
    gaps = np.diff(timestamps, prepend=math.nan)
    if firsts is not None:
        gaps[firsts[firsts < len(gaps)]] = math.nan
    bins = FIRST_GAP_BIN + np.searchsorted(GAP_EDGES, gaps, side="right")
    return np.where(np.isnan(gaps), UNKNOWN_BIN, bins)


@dataclass(frozen=True)
class TimeBins:
    """Bins of one month, quarter or year, counted from January of `origin_year` (UTC).

    `first` and `last` are the trained range (bin numbers, inclusive): times outside of it clamp to its ends,
    because a bin nobody was seen in knows nothing. With no trained range (`last < first`) every time is
    UNKNOWN.
    """

    granularity: Granularity
    origin_year: int
    n_years: int
    first: int = FIRST_BIN
    last: int = FIRST_BIN - 1

    @property
    def n_bins(self) -> int:
        """Count all bins, PADDING and UNKNOWN included."""
        return FIRST_BIN + self.n_years * 12 // MONTHS_PER_BIN[self.granularity]

    def calendar_bins(self, timestamps: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return each time's bin within the table (E,), NaN as UNKNOWN, whatever the trained range."""
        known = np.isfinite(timestamps)
        seconds = np.where(known, timestamps, 0.0).clip(-6e10, 2.5e11)
        months = seconds.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
        months -= (self.origin_year - 1970) * 12
        bins = FIRST_BIN + months // MONTHS_PER_BIN[self.granularity]
        return np.where(known, bins.clip(FIRST_BIN, self.n_bins - 1), UNKNOWN_BIN)

    def bins_of(self, timestamps: Sequence[float | None] | NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the bins (E,) of Unix seconds, clamped to the trained range; None and NaN are UNKNOWN."""
        if not isinstance(timestamps, np.ndarray):
            timestamps = np.array([math.nan if t is None else t for t in timestamps], dtype=np.float64)
        bins = self.calendar_bins(timestamps)
        if self.last < self.first:
            return np.full_like(bins, UNKNOWN_BIN)
        return np.where(bins == UNKNOWN_BIN, UNKNOWN_BIN, bins.clip(self.first, self.last))

    def trained_range(self, timestamps: NDArray[np.float64]) -> tuple[int, int]:
        """Return (first, last) widened by the known times of a training set."""
        bins = self.calendar_bins(timestamps)
        bins = bins[bins != UNKNOWN_BIN]
        if not len(bins):
            return self.first, self.last
        if self.last < self.first:
            return int(bins.min()), int(bins.max())
        return min(self.first, int(bins.min())), max(self.last, int(bins.max()))
