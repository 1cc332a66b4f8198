"""gunicorn's configuration: `gunicorn -c python:nostrade_site.gunicorn nostrade_site.wsgi`."""

import os
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings

from nostrade_site import metrics_folder
from nostrade_site.environment import whole_number

# Read by PyTorch when a worker loads it: with one thread each, workers do not fight over the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

bind = f"[{settings.HOST}]:{settings.PORT}" if ":" in settings.HOST else f"{settings.HOST}:{settings.PORT}"
workers = whole_number("WEB_CONCURRENCY", default=2, minimum=1)
worker_class = "nostrade_site.web_worker.WaitressWorker"  # no thread waits for a client
threads = 5  # one of them for health checks, while the others wait
timeout = 60
# Longer than proxies keep an idle connection (nginx: 60 s), or now and then a request meets one that closes.
keepalive = 75
graceful_timeout = 8
control_socket_disable = True
preload_app = False  # PyTorch must not have computed before a fork
# Its own lines take the form of everybody else's.
logconfig_dict = settings.LOGGING | {
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
        "waitress.queue": {"level": "ERROR"},  # warns whenever a request waits for a thread
    }
}

# Where the workers' counts lie, for each to add them all up. What a master before us (SIGUSR2) has put into
# the environment is its own.
COUNTS = settings.DATA_DIR / "metrics"
if "PROMETHEUS_MULTIPROC_DIR" in os.environ and Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).parent == COUNTS:
    del os.environ["PROMETHEUS_MULTIPROC_DIR"]
own_counts = bool(settings.METRICS_TOKEN) and "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def when_ready(server: object) -> None:
    """Make the folder once nothing can go wrong any more, and before any worker counts."""
    if own_counts:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_folder.claim(COUNTS))


def child_exit(server: object, worker: Any) -> None:
    """Forget what was true of a worker while it lived; what it counted stays."""
    if settings.METRICS_TOKEN:
        from prometheus_client import multiprocess  # noqa: PLC0415 - the master needs it here alone

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: object) -> None:
    if own_counts and "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


def post_worker_init(worker: Any) -> None:
    """Load the ranker in the background, and log there what is shown: pages wait for neither.

    And bound how many threads may wait at once.
    """
    # The master never loads the application.
    from nostrade_site.spare import places  # noqa: PLC0415
    from nostrade_site.sqlite3.line import line  # noqa: PLC0415
    from recommender import heaps, impressions, serving  # noqa: PLC0415

    places.count = max(1, worker.cfg.threads - 1)
    line.places = max(1, worker.cfg.threads // 2)
    heaps.share_heaps()
    serving.start()
    impressions.start()
