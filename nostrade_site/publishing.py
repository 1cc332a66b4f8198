"""How tasks are handed to the broker: within seconds, or not at all.

Who asks for a task is mostly a request, and has another way to go where the broker is away. So a publisher
tries once more and gives up, and for a moment after that the next one does not even try.
"""

from __future__ import annotations

import time
from typing import Any

from celery import Task
from kombu.exceptions import OperationalError

PAUSE = 5.0  # seconds in which a broker that did not answer is left alone
SENTENCE = "The broker did not answer a moment ago, and was not asked again."
_ask_again_at = 0.0  # on the monotonic clock


class PublishedTask(Task):  # type: ignore[type-arg]  # any task
    """A task of this site."""

    abstract = True

    def apply_async(self, *args: Any, **options: Any) -> Any:
        """Publish it. Raises OperationalError where the broker does not answer."""
        global _ask_again_at
        if time.monotonic() < _ask_again_at:
            raise OperationalError(SENTENCE)
        try:
            return super().apply_async(*args, **options)
        except OperationalError:
            _ask_again_at = time.monotonic() + PAUSE
            raise
