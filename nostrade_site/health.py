"""`/healthz`: what works and what does not, for probes and people; no secrets, and cheap."""

from __future__ import annotations

import os

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import Redis, RedisError

from recommender import serving

BROKER_PATIENCE = 0.5  # seconds; a probe must not hang on what it asks about


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 while pages can be served, `degraded` naming what is missing; 503 without the database."""
    database = _database_answers()
    broker = _broker_answers()
    ranker = serving.status()
    report = {
        "status": "ok" if database and broker and not ranker.problem else "degraded" if database else "down",
        "database": "ok" if database else "does not answer",
        "broker": "ok" if broker else "does not answer: nothing is retrained or pruned until it does",
        "ranker": {"version": ranker.version, "problem": ranker.problem},
        "process": os.getpid(),  # each process has a ranker of its own
    }
    return JsonResponse(report, status=200 if database else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return False
    return True


def _broker_answers() -> bool:
    client = Redis.from_url(
        settings.REDIS_URL or f"unix://{settings.EMBEDDED_BROKER_SOCKET}",
        socket_timeout=BROKER_PATIENCE,
        socket_connect_timeout=BROKER_PATIENCE,
        retry=None,
    )
    try:
        return bool(client.ping())
    except (RedisError, OSError):
        return False
    finally:
        client.close()
