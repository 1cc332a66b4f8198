"""Questions that may never be answered: each has a thread of its own, and whoever waits gives up soon.

A frozen database, a broker that is stopped or a network disk that hangs would otherwise take every thread
that looks whether they are well.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future

PATIENCE = 0.5  # seconds for all that is asked at once
SILENT = "does not answer"


class Question:
    """Asks one thing, one thread at a time, and keeps the answer for a while: a crowd of probes is one."""

    def __init__(self, ask: Callable[[], str], keeps: float) -> None:
        self._ask, self._keeps = ask, keeps
        self._lock = threading.Lock()
        self._answer: Future[str] | None = None
        self._asked_at = 0.0

    def put(self) -> Future[str]:
        """Return the answer to come: the one that is kept, or that a thread waits for, or a fresh one."""
        with self._lock:
            kept = self._answer
            is_old = kept is None or (kept.done() and time.monotonic() - self._asked_at >= self._keeps)
            if kept is not None and not is_old:
                return kept
            answer = self._answer = Future()
            self._asked_at = time.monotonic()
        threading.Thread(target=self._find, args=[answer], name="question", daemon=True).start()
        return answer

    def forget(self) -> None:
        """Keep no answer."""
        with self._lock:
            self._answer = None

    def _find(self, answer: Future[str]) -> None:
        try:
            answer.set_result(self._ask())
        except Exception as error:  # noqa: BLE001 - it is for whoever waits
            answer.set_exception(error)


def answers(questions: Mapping[str, Question]) -> dict[str, str]:
    """Ask all at once and return what is known after `PATIENCE`."""
    until = time.monotonic() + PATIENCE
    put = {name: question.put() for name, question in questions.items()}
    found = {}
    for name, answer in put.items():
        try:
            found[name] = answer.result(max(0.0, until - time.monotonic()))
        except TimeoutError:
            found[name] = SILENT
    return found
