"""The cache, which does not go down with the broker: meanwhile each process remembers for itself.

Rate limits live there: without them pages and the API would answer 500, and with every question answered by
"unknown" anybody could try passwords without end, and allauth's lock could be held by many or by nobody.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis import RedisError

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0  # so often a request waits for a broker that may not answer,
LONGEST_PAUSE = 15.0  # and after a while less often


class Outage:
    """What one process knows of a broker that does not answer: its threads need not each find out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tries = 0  # that failed since it last answered
        self._ask_again_at = 0.0  # on the monotonic clock

    def lets_ask(self) -> bool:
        """Tell whether to ask the broker; while it is away, one thread does so now and then."""
        if not self._tries:
            return True
        with self._lock:
            if time.monotonic() < self._ask_again_at:
                return False
            self._ask_again_at = time.monotonic() + self._pause
            return True

    def note(self, error: Exception) -> None:
        """Leave the broker alone for a moment; say so once an outage."""
        with self._lock:
            self._tries += 1
            self._ask_again_at = time.monotonic() + self._pause
        if self._tries == 1:
            logger.warning("The broker does not answer; its cache is kept here meanwhile: %s", error)

    def end(self) -> None:
        """Note that the broker answered."""
        self._tries = 0

    @property
    def _pause(self) -> float:
        return min(RETRY_SECONDS * 2.0 ** min(self._tries - 1, 10), LONGEST_PAUSE)


_outages: defaultdict[str, Outage] = defaultdict(Outage)  # by the broker's address


def _with_stand_in(name: str) -> Callable[..., Any]:
    """Return the cache's method `name`: it asks the broker, and while that is away the stand-in."""
    ask, stand_in = getattr(RedisCache, name), getattr(LocMemCache, name)

    def method(self: OutageProofCache, *args: Any, **options: Any) -> Any:
        if self.outage.lets_ask():
            try:
                answer = ask(self, *args, **options)
            except (RedisError, OSError) as error:
                self.outage.note(error)
            else:
                self.outage.end()
                return answer
        return stand_in(self.stand_in, *args, **options)

    return method


class OutageProofCache(RedisCache):
    """Django's Redis cache, with the process's own memory in its place while the broker does not answer."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.stand_in = LocMemCache("outage", params)
        self.outage = _outages[server]  # there is a cache in each thread

    add = _with_stand_in("add")
    get = _with_stand_in("get")
    set = _with_stand_in("set")
    touch = _with_stand_in("touch")
    delete = _with_stand_in("delete")
    get_many = _with_stand_in("get_many")
    has_key = _with_stand_in("has_key")
    incr = _with_stand_in("incr")
    set_many = _with_stand_in("set_many")
    delete_many = _with_stand_in("delete_many")
    clear = _with_stand_in("clear")
