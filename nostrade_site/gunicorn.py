"""gunicorn's configuration: `gunicorn -c python:nostrade_site.gunicorn nostrade_site.wsgi`."""

import os

from django.conf import settings

from nostrade_site.environment import whole_number

# Read by PyTorch when a worker loads it: with one thread each, workers do not fight over the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

bind = f"{settings.HOST}:{settings.PORT}"
workers = whole_number("WEB_CONCURRENCY", default=2, minimum=1)
worker_class = "gthread"
threads = 4
timeout = 60
# Longer than proxies keep an idle connection (nginx: 60 s), or now and then a request meets one that closes.
keepalive = 75
graceful_timeout = 8
control_socket_disable = True
preload_app = False  # PyTorch must not have computed before a fork
# Its own lines take the form of everybody else's.
logconfig_dict = settings.LOGGING | {
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True}}
}


def post_worker_init(worker: object) -> None:
    """Load the ranker in the background, and log there what is shown: pages wait for neither."""
    from recommender import impressions, serving  # noqa: PLC0415 - the master never loads the application

    serving.start()
    impressions.start()
