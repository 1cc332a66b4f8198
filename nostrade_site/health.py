"""`/healthz` (alive) and `/readyz` (ready), for probes and people; no secrets, and cheap.

What restarts a process asks the first: a process that still serves pages must live. What sends people to one
of several processes, or watches an installation, asks the second, which wants all of it to work.
"""

from __future__ import annotations

import os
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import RedisError

from nostrade_site.broker_client import broker_client
from recommender import serving

SILENT = "does not answer"


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 while pages can be served, `degraded` naming what is missing; 503 without the database."""
    report = _parts()
    database = report["database"] == "ok"
    well = database and report["broker"] == "ok" and not report["ranker"]["problem"]
    status = "ok" if well else "degraded" if database else "down"
    return JsonResponse({"status": status} | report, status=200 if database else 503)


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 where database, broker and ranker all serve; else 503, and what is missing."""
    report = _parts()
    missing = [name for name in ("database", "broker") if report[name] != "ok"]
    if report["ranker"]["version"] is None:
        missing.append("ranker")
    status = "not ready" if missing else "ready"
    return JsonResponse({"status": status, "missing": missing} | report, status=503 if missing else 200)


def _parts() -> dict[str, Any]:
    """Ask each part once."""
    ranker = serving.status()
    without = f"{SILENT}: nothing is retrained or pruned until it does"
    return {
        "database": "ok" if database_answers() else SILENT,
        "broker": "ok" if broker_answers() else without,
        "ranker": {"version": ranker.version, "problem": ranker.problem},
        "process": os.getpid(),  # each process has a ranker of its own
    }


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return False
    return True


def broker_answers() -> bool:
    client = broker_client()
    try:
        return bool(client.ping())
    except (RedisError, OSError):
        return False
    finally:
        client.close()
