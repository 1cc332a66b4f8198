"""One id for each request: in the answer's `X-Request-ID`, in every log line, in the tasks that it starts."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun
from django.http import HttpRequest, HttpResponseBase

HEADER = "X-Request-ID"
TASK_HEADER = "request_id"
# What a proxy may call a request; anything else could write lines of its own into a log.
SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
NONE = "-"

current: ContextVar[str] = ContextVar("request_id", default=NONE)


class RequestIdMiddleware:
    """Take the request's id where it is sane, else make one; the outermost of all."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = sane(request.headers.get(HEADER, "")) or secrets.token_hex(8)
        request.request_id = request_id  # type: ignore[attr-defined]  # Django logs some lines after us
        token = current.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            current.reset(token)
        response.headers[HEADER] = request_id
        return response


def sane(value: object) -> str:
    """Return what may be an id, else nothing."""
    return value if isinstance(value, str) and SANE.fullmatch(value) else ""


@before_task_publish.connect
def hand_on(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Give a task the id of the request, or of the task, that starts it."""
    if headers is not None and current.get() != NONE:
        headers[TASK_HEADER] = current.get()


@task_prerun.connect
def take_over(task: Any = None, **_: Any) -> None:
    """Log under the id that the task was started with; one that beat starts goes by its own."""
    asked = getattr(task.request, TASK_HEADER, None) or (task.request.headers or {}).get(TASK_HEADER)
    current.set(sane(asked) or sane(task.request.id) or NONE)


@task_postrun.connect
def let_go(**_: Any) -> None:
    current.set(NONE)
