"""The Celery application; its settings are the CELERY_* ones of `settings/background.py`."""

import os
import resource
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_process_init
from django.conf import settings

import nostrade_site.request_ids  # noqa: F401  # tasks log under the id of what starts them

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nostrade_site.settings")


def _redbeat_settings() -> dict[str, Any]:
    """Return RedBeat's settings under the names it looks for: it does not know of the CELERY_ prefix."""
    names = [name for name in dir(settings) if name.startswith("CELERY_REDBEAT_")]
    return {name.removeprefix("CELERY_").lower(): getattr(settings, name) for name in names}


app = Celery("nostrade", task_cls="nostrade_site.publishing:PublishedTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.add_defaults(_redbeat_settings)
app.autodiscover_tasks()


@worker_init.connect
def wait_longer(**_: Any) -> None:
    """Let a worker wait longer than a request would: to connect again is to be given tasks once more."""
    app.conf.broker_transport_options |= {"socket_timeout": settings.WORKER_PATIENCE}


@worker_process_init.connect
def bound_memory(**_: Any) -> None:
    """Hold a worker process to `WORKER_MEMORY_MB`: a task that asks for more fails, and the site lives on."""
    if settings.WORKER_MEMORY_MB:
        most = settings.WORKER_MEMORY_MB * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
