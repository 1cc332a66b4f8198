"""What ranking costs two rankers, measured so that a busy machine does not decide between them."""

import time
from collections.abc import Sequence

import numpy as np

from ml.history import History
from ml.ranker import Ranker

K = 20


def median_times(candidate: Ranker, champion: Ranker, histories: Sequence[History]) -> tuple[float, float]:
    """Return the medians of the processor time of one `rank`, in seconds: the candidate's, the champion's.

    Both rank each history in turn, who goes first alternating. Processor time, because another process that
    wants the cores would count as slowness on the clock. Raises ValueError without histories.
    """
    if not histories:
        raise ValueError("Timing needs a history to rank.")
    pair = (candidate, champion)
    times: tuple[list[float], list[float]] = ([], [])
    for ranker in pair:
        ranker.rank(histories[0], K)  # what is made at the first call is nobody's latency
    for turn, history in enumerate(histories):
        for which in (0, 1) if turn % 2 else (1, 0):
            began = time.process_time()
            pair[which].rank(history, K)
            times[which].append(time.process_time() - began)
    return float(np.median(times[0])), float(np.median(times[1]))
