"""RedBeat's scheduler, which neither a clock that was wrong nor a broker that is away can stop.

When each task last began is kept in the broker, by the clock of then. Where that clock was ahead, RedBeat
would wait until that time comes, and then as long again. And it would end where the broker refuses.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from kombu.exceptions import OperationalError
from redbeat.decoder import to_timestamp
from redbeat.schedulers import RedBeatScheduler, get_redis
from redis import RedisError
from redis.exceptions import LockError

logger = logging.getLogger(__name__)

AHEAD = timedelta(minutes=1)  # more than two clocks of one site differ
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds
AWAY = (RedisError, OperationalError, OSError)


class Scheduler(RedBeatScheduler):
    """RedBeat's, which looks at every tick whether anything stands in the future."""

    def setup_schedule(self) -> None:
        """Write the schedule into the broker, waiting for one that is away or refuses."""
        self._patiently(super().setup_schedule)
        self._patiently(self._shorten_lock)

    def tick(self, *args: Any, **options: Any) -> float:
        """Start what is due and return the seconds until the next look; without a broker, look again soon."""
        try:
            self.reset_future()
            return float(super().tick(*args, **options))
        except LockError:
            raise  # another beat may have begun: to start again is to wait for it
        except AWAY as error:
            logger.warning("Nothing is started while the broker does not answer: %s", error)
            return PAUSES[2]

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **options: Any) -> Any:
        """Publish an entry's task and only then note that it began: what was not sent is sent later."""
        result = super().apply_async(entry, producer=producer, advance=False, **options)
        if advance:
            self.reserve(entry)
        return result

    def reset_future(self) -> None:
        """Let what began, or is due, by a clock that was ahead be due by this one."""
        now: datetime = self.app.now()
        client, key = get_redis(self.app), self.app.redbeat_conf.schedule_key
        changed = False
        for name, score in client.zrange(key, 0, -1, withscores=True):
            try:
                entry = self.Entry.from_key(name, app=self.app)
            except KeyError:
                continue  # RedBeat removes it
            if entry.last_run_at is not None and entry.last_run_at > now + AHEAD:
                logger.warning(
                    "%s began at %s by a clock that was ahead: it is due by this one now.",
                    entry.name,
                    entry.last_run_at,
                )
                entry.reschedule(last_run_at=now)
                changed = True
            elif score > max(entry.score, to_timestamp(now)) + AHEAD.total_seconds():
                client.zadd(key, {name: entry.score})
                changed = True
        if changed:
            # Rate limits too would hold for as long as the clock was ahead.
            cache.clear()

    def _shorten_lock(self) -> None:
        """Let a lock that a beat left behind end when it should, whatever the broker's clock was then."""
        key = self.app.redbeat_conf.lock_key
        if not key:
            return
        client, longest = get_redis(self.app), int(1000 * (self.max_interval or 30) * 5)
        if client.pttl(key) > longest:
            client.pexpire(key, longest)

    @staticmethod
    def _patiently(work: Callable[[], object]) -> None:
        """Do what needs the broker, however long it is away."""
        pauses = iter(PAUSES)
        while True:
            try:
                work()
            except AWAY as error:
                pause = next(pauses, PAUSES[-1])
                logger.warning("The broker does not take the schedule (%s): once more in %g s", error, pause)
                time.sleep(pause)
            else:
                return
