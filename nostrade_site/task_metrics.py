"""How often each task ran, how it ended and how long it took, counted in the broker.

There and not in files, as web processes count: a trainer's process ends with its task, and every one of
them would leave files behind. So the figures are of all hosts, and outlive a restart.
"""

from __future__ import annotations

import logging
import time
from bisect import bisect_left
from collections import defaultdict
from typing import Any

from celery.signals import task_postrun, task_prerun
from django.conf import settings
from prometheus_client.core import HistogramMetricFamily
from redis import RedisError

from nostrade_site.broker_client import broker_client

logger = logging.getLogger(__name__)

KEY = "nostrade:task-seconds"
BOUNDS = (0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
SUM = "sum"
_began: dict[str, float] = {}


@task_prerun.connect
def begin(task_id: str = "", **_: Any) -> None:
    if settings.METRICS_TOKEN:
        _began[task_id] = time.perf_counter()


@task_postrun.connect
def end(task_id: str = "", task: Any = None, state: str | None = None, **_: Any) -> None:
    """Add a run to the histogram of its task; without a broker it is lost, as it is no more than a figure."""
    began = _began.pop(task_id, None)
    if began is None:
        return
    seconds, series = time.perf_counter() - began, f"{task.name}|{(state or 'unknown').lower()}"
    client = broker_client()
    try:
        with client.pipeline(transaction=False) as pipeline:
            pipeline.hincrby(KEY, f"{series}|{bisect_left(BOUNDS, seconds)}", 1)
            pipeline.hincrbyfloat(KEY, f"{series}|{SUM}", seconds)
            pipeline.execute()
    except (RedisError, OSError) as error:
        logger.warning("A run of %s was not counted: %s", task.name, type(error).__name__)
    finally:
        client.close()


def task_seconds() -> HistogramMetricFamily:
    """Return what was counted, as Prometheus reads it. Raises the client's errors where it is away."""
    client = broker_client()
    try:
        counted = client.hgetall(KEY)
    finally:
        client.close()
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for field, value in counted.items():
        name, state, part = (field.decode() if isinstance(field, bytes) else field).split("|")
        found[name, state][part] = float(value)
    family = HistogramMetricFamily(
        "nostrade_task_seconds", "One run of a background task.", labels=["task", "state"]
    )
    for labels, parts in sorted(found.items()):
        so_far, buckets = 0.0, []
        for place, bound in enumerate([*map(str, BOUNDS), "+Inf"]):
            so_far += parts.get(str(place), 0)
            buckets.append((bound, so_far))
        family.add_metric(labels, buckets, parts.get(SUM, 0.0))
    return family
