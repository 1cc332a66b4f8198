from datetime import UTC, datetime

import numpy as np
import pytest

from ml.time_bins import FIRST_BIN, FIRST_GAP_BIN, N_GAP_BINS, UNKNOWN_BIN, TimeBins, gap_bins


def at(*date) -> float:
    return datetime(*date, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(("granularity", "bin_of_may_2001"), [("month", 16), ("quarter", 5), ("year", 1)])
def test_a_time_falls_into_its_calendar_bin(granularity, bin_of_may_2001):
    bins = TimeBins(granularity, 2000, 20)
    assert bins.calendar_bins(np.array([at(2001, 5, 31, 23)])) == FIRST_BIN + bin_of_may_2001
    assert bins.calendar_bins(np.array([at(2000, 1, 1)])) == FIRST_BIN
    assert bins.n_bins == FIRST_BIN + {"month": 240, "quarter": 80, "year": 20}[granularity]


def test_times_outside_the_trained_range_clamp():
    bins = TimeBins("year", 2000, 20, first=FIRST_BIN + 5, last=FIRST_BIN + 7)
    times = [at(1960, 1, 1), at(2003, 1, 1), at(2006, 1, 1), at(2030, 1, 1), None]
    offsets = [5, 5, 6, 7]
    assert bins.bins_of(times).tolist() == [*(FIRST_BIN + o for o in offsets), UNKNOWN_BIN]


def test_nothing_trained_means_every_time_is_unknown():
    assert TimeBins("year", 2000, 20).bins_of([at(2006, 1, 1), None]).tolist() == [UNKNOWN_BIN, UNKNOWN_BIN]


def test_the_trained_range_only_grows():
    fresh = TimeBins("year", 2000, 20)
    assert fresh.trained_range(np.array([at(2004, 2, 2), at(2006, 1, 1), np.nan])) == (
        FIRST_BIN + 4,
        FIRST_BIN + 6,
    )
    assert fresh.trained_range(np.array([np.nan])) == (fresh.first, fresh.last)
    old = TimeBins("year", 2000, 20, FIRST_BIN + 5, FIRST_BIN + 7)
    assert old.trained_range(np.array([at(2009, 1, 1)])) == (FIRST_BIN + 5, FIRST_BIN + 9)


@pytest.mark.parametrize(
    ("gap", "place"),
    [
        *((0, 0), (-5, 0), (3_599, 0), (3_600, 1), (6 * 3_600, 2), (86_400, 3), (7 * 86_400, 4)),
        *((30 * 86_400, 5), (91 * 86_400, 6), (365 * 86_400, 7), (9e9, 7)),
    ],
)
def test_a_gap_falls_into_bins_that_grow(gap, place):
    assert gap_bins(np.array([1e9, 1e9 + gap])).tolist() == [UNKNOWN_BIN, FIRST_GAP_BIN + place]
    assert FIRST_GAP_BIN + place < N_GAP_BINS


def test_a_gap_needs_two_times_of_one_person():
    times = np.array([np.nan, 10.0, 20.0, 30.0, np.nan, 40.0])
    bins = gap_bins(times, np.array([0, 3, 6]))
    assert bins.tolist() == [UNKNOWN_BIN, UNKNOWN_BIN, FIRST_GAP_BIN] + [UNKNOWN_BIN] * 3
    assert gap_bins(np.array([])).tolist() == []
