"""One thread of each web process is kept for health checks while all others wait for something.

Whatever pages wait for, a frozen database or a lock, is then said by `/healthz`, and who comes next gets an
answer at once and is asked to come again, where everybody would queue without end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
HEALTH = {"/healthz", "/readyz"}
STUCK = 1.0  # seconds that all requests must have lasted before the next one is sent away
SENTENCE = b"The site has more to do than it can just now. Please try again in a moment."
HEADERS = [
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Content-Length", str(len(SENTENCE))),
    ("Retry-After", "2"),
    ("Cache-Control", "no-store"),
]


class Places:
    """So many requests at once; more wait only for as long as one of these may soon be done."""

    def __init__(self) -> None:
        self.count: int | None = None  # no bound
        self._began: dict[object, float] = {}
        self._changed = threading.Condition()

    def take(self) -> object | None:
        """Return a place; None where all have been held for long."""
        place = object()
        with self._changed:
            while self.count is not None and len(self._began) >= self.count:
                youngest = max(self._began.values(), default=0.0)
                left = youngest + STUCK - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)
            self._began[place] = time.monotonic()
        return place

    def leave(self, place: object) -> None:
        with self._changed:
            self._began.pop(place, None)
            self._changed.notify()


class Answer:
    """What a request is answered with, until the server has sent it and closes it."""

    def __init__(self, body: Iterable[bytes], done: Callable[[], None]) -> None:
        self._body, self._done = body, done

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._done()


places = Places()


def with_spare_thread(application: Application) -> Application:
    """Serve a WSGI application in all threads but one, once `places.count` says how many these are."""

    def served(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if places.count is None or environ.get("PATH_INFO") in HEALTH:
            return application(environ, start_response)
        place = places.take()
        if place is None:
            start_response("503 Service Unavailable", HEADERS)
            return [SENTENCE]
        try:
            body = application(environ, start_response)
        except BaseException:
            places.leave(place)
            raise
        if isinstance(body, environ.get("wsgi.file_wrapper", Answer)):  # a static file: the kernel sends it
            places.leave(place)
            return cast(Iterable[bytes], body)
        return Answer(body, lambda: places.leave(place))

    return served
