"""`/metrics` for Prometheus: off without `METRICS_TOKEN`, and never without it.

There is no list of addresses to let in: behind a proxy everybody comes from the proxy's, and the site cannot
tell. Each web process counts in files of its own under `PROMETHEUS_MULTIPROC_DIR`, which
`nostrade_site/gunicorn.py` sets; whichever is asked adds all of them up.
"""

from __future__ import annotations

import hmac
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import DatabaseError, InterfaceError
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from redis import RedisError

from feedback.models import ListImport
from nostrade_site.broker_client import broker_client
from nostrade_site.task_metrics import task_seconds
from recommender.models import Checkpoint

QUEUES = ("celery", "train")
REQUESTS = Histogram(
    "nostrade_request_seconds",
    "From the first middleware to the answer's headers.",
    ["route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0),
)


class MetricsMiddleware:
    """Measure each request under the name of its route: addresses would make a series for each title."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not settings.METRICS_TOKEN:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = (match.view_name or "unnamed") if match else "none"  # static files and nonsense
        REQUESTS.labels(route, str(response.status_code)).observe(time.perf_counter() - began)
        return response


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer whoever sends the token; 404 where there is none, as if there was no such page."""
    if not settings.METRICS_TOKEN:
        raise Http404
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(sent.encode(), settings.METRICS_TOKEN.encode()):
        return HttpResponse(
            "Send METRICS_TOKEN as a bearer token: Authorization: Bearer ...\n",
            status=401,
            headers={"WWW-Authenticate": "Bearer"},
            content_type="text/plain; charset=utf-8",
        )
    site = CollectorRegistry()
    site.register(SiteCollector())
    return HttpResponse(
        generate_latest(_processes()) + generate_latest(site), content_type=CONTENT_TYPE_LATEST
    )


def _processes() -> CollectorRegistry:
    """Return what all web processes counted; this one alone where it is the only one."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


class SiteCollector(Collector):
    """What is true of the site and not of a process, asked when somebody wants to know."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("nostrade_up", "Whether a part answers.", labels=["part"])
        for part, measure in (("database", _stored), ("broker", _queued)):
            try:
                yield from measure()
            except (DatabaseError, InterfaceError, RedisError, OSError):
                up.add_metric([part], 0)
            else:
                up.add_metric([part], 1)
        yield up


def _stored() -> list[Metric]:
    return [*_checkpoint(), _imports()]


def _imports() -> Metric:
    lists = GaugeMetricFamily(
        "nostrade_list_imports", "Lists that people brought.", labels=["source", "state"]
    )
    counted = ListImport.objects.order_by().values_list("source", "state").annotate(n=Count("pk"))
    for source, state, n in counted:
        lists.add_metric([source or "unread", state], n)
    return lists


def _queued() -> list[Metric]:
    return [*_queues(), task_seconds()]


def _checkpoint() -> list[Metric]:
    active = Checkpoint.objects.active()
    if active is None:
        return []
    info = GaugeMetricFamily("nostrade_checkpoint_info", "The active checkpoint.", labels=["version"])
    info.add_metric([active.version], 1)
    seconds = (timezone.now() - active.created_at).total_seconds()
    age = GaugeMetricFamily(
        "nostrade_checkpoint_age_seconds", "Since the active one was made.", value=seconds
    )
    return [info, age]


def _queues() -> list[Metric]:
    depth = GaugeMetricFamily("nostrade_queue_depth", "Tasks that nobody has taken yet.", labels=["queue"])
    for queue, waiting in queue_depths().items():
        depth.add_metric([queue], waiting)
    return [depth]


def queue_depths() -> dict[str, int]:
    """Return how many tasks nobody has taken yet. Raises what the broker's client does where it is away."""
    client = broker_client()
    try:
        return {queue: int(client.llen(queue)) for queue in QUEUES}
    finally:
        client.close()


@dataclass(frozen=True)
class Latency:
    """How long something took, by the bounds of the buckets it was counted in; None is beyond the last."""

    times: int
    half_within: float | None
    most_within: float | None  # 95 %


def ranking_latency() -> Latency | None:
    """Return how long rankings took since the web processes began; None before the first."""
    samples = [
        (float(sample.labels["le"]), sample.value)
        for metric in _processes().collect()
        for sample in metric.samples
        if sample.name == "nostrade_ranking_seconds_bucket"
    ]
    buckets = sorted(samples)
    if not buckets or not (times := buckets[-1][1]):
        return None
    half, most = (_within(buckets, share * times) for share in (0.5, 0.95))
    return Latency(int(times), half, most)


def _within(buckets: list[tuple[float, float]], count: float) -> float | None:
    """Return the milliseconds within which `count` of the cumulative buckets lie."""
    bound = next(bound for bound, n in buckets if n >= count)
    return None if math.isinf(bound) else 1000 * bound
