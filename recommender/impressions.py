"""What people were shown: noted while a page is answered, written to the database in batches.

A request appends one `Showing` to a bounded buffer and goes on. In a web worker, which calls `start()` after
its fork, a thread writes what waits every `WRITE_SECONDS`, sooner when much does, and a last time when the
process ends. A process without that thread (development server, commands, tests) writes at once. While the
database does not answer, the oldest beyond `MAX_WAITING` are dropped: figures get a gap, but no page fails.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import close_old_connections, connections, transaction
from django.db.utils import DatabaseError, IntegrityError, InterfaceError, OperationalError
from django.http import HttpRequest
from django.utils import timezone

from catalog.holding import hold
from recommender.metrics import IMPRESSIONS_LOST, IMPRESSIONS_WAITING
from recommender.models import Impression

if TYPE_CHECKING:
    from recommender.feed import FeedPage

logger = logging.getLogger(__name__)

WRITE_SECONDS = 2.0
BATCH = 25  # pages, about 500 cards: what one transaction writes
MAX_WAITING = 5_000  # pages: some megabytes, and an hour of a busy process without its database
MAX_REMEMBERED = 1_000  # people of a day of whom a process remembers what it wrote: some megabytes
COPY_BATCH = 500
# How browsers mark a page that they fetch in case somebody wants to see it.
PREFETCH_HEADERS = ("Sec-Purpose", "Purpose", "X-Moz")


Page = tuple[int, date, str]  # a person, a day, a checkpoint: a title is one impression of it


@dataclass(frozen=True, slots=True)
class Showing:
    """The cards of one answer, as they stood below one another."""

    user_id: int
    version: str  # of the checkpoint that ranked; empty for popular titles
    start: int  # cards above the first one
    anime_ids: tuple[int, ...]
    shown_at: datetime
    wildcards: Mapping[int, float] = field(default_factory=dict)  # of these titles, and their propensities

    @property
    def page(self) -> Page:
        return self.user_id, timezone.localdate(self.shown_at, UTC), self.version

    def impressions(self, known: Collection[int] = ()) -> Iterator[Impression]:
        """Yield a row for each card that is not known."""
        usual = Impression.Slot.RANKED if self.version else Impression.Slot.POPULAR
        _, day, _ = self.page
        for position, anime_id in enumerate(self.anime_ids, start=self.start + 1):
            if anime_id in known:
                continue
            yield Impression(
                user_id=self.user_id,
                item_id=anime_id,
                version=self.version,
                slot=Impression.Slot.WILDCARD if anime_id in self.wildcards else usual,
                propensity=self.wildcards.get(anime_id, 1.0),
                position=position,
                day=day,
                shown_at=self.shown_at,
            )


class Log:
    """One process's buffer, and the thread that empties it where there is one."""

    def __init__(self) -> None:
        self._waiting: deque[Showing] = deque()
        self._changing = threading.Lock()  # held while the buffer changes, never while the database is asked
        self._writing = threading.Lock()
        self._due, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._outage = False
        self._lost = 0
        # Most of a page was shown on the one before, and is in the database already: that is not sent again.
        self._written: dict[Page, set[int]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def start(self) -> None:
        """Write in a thread of its own from now on."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="impressions", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Let the thread write what waits, and wait for its end."""
        self._stopping.set()
        self._due.set()
        if self._thread is not None:
            self._thread.join()

    def add(self, showing: Showing) -> None:
        """Keep a showing until it is written; without a thread that is now."""
        with self._changing:
            self._waiting.append(showing)
            self._drop_oldest()
            IMPRESSIONS_WAITING.set(len(self._waiting))
        if self._thread is None:
            self.write()
        elif len(self._waiting) >= BATCH and not self._outage:
            self._due.set()

    def write(self) -> None:
        """Write what waits, batch by batch, or keep it where the database does not answer."""
        with self._writing:
            while batch := self._take():
                try:
                    save(batch, self._written)
                except (OperationalError, InterfaceError) as error:
                    return self._keep(batch, error)
                except DatabaseError:  # it would fail again, and hold up all that comes after
                    logger.exception("Impressions of %d pages cannot be written and are dropped", len(batch))
                else:
                    self._remember(batch)
                self._note_recovery()
        return None

    def _remember(self, batch: Iterable[Showing]) -> None:
        if self._thread is None:  # what its caller may yet roll back was not written
            return
        for showing in batch:
            self._written.setdefault(showing.page, set()).update(showing.anime_ids)
        while len(self._written) > MAX_REMEMBERED:
            del self._written[next(iter(self._written))]

    def _run(self) -> None:
        last = False
        while not last:
            self._due.wait(WRITE_SECONDS)
            self._due.clear()
            last = self._stopping.is_set()
            close_old_connections()  # one connection is kept while it works, and replaced after an outage
            self.write()
            close_old_connections()
        connections.close_all()

    def _take(self) -> list[Showing]:
        with self._changing:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            IMPRESSIONS_WAITING.set(len(self._waiting))
            return batch

    def _keep(self, batch: list[Showing], error: Exception) -> None:
        if not self._outage:
            logger.warning("The database does not answer, impressions wait for it: %s", error)
        self._outage = True
        with self._changing:
            self._waiting.extendleft(reversed(batch))
            self._drop_oldest()
            IMPRESSIONS_WAITING.set(len(self._waiting))

    def _drop_oldest(self) -> None:
        """Hold the bound; call while `_changing` is held."""
        while len(self._waiting) > MAX_WAITING:
            self._waiting.popleft()
            if not self._lost:
                logger.warning("More than %d pages wait to be logged: the oldest are dropped", MAX_WAITING)
            self._lost += 1
            IMPRESSIONS_LOST.inc()

    def _note_recovery(self) -> None:
        if self._outage or self._lost:
            logger.info("Impressions are written again; those of %d pages were lost", self._lost)
        self._outage, self._lost = False, 0


def save(showings: Iterable[Showing], written: Mapping[Page, Collection[int]] = MappingProxyType({})) -> None:
    """Write the impressions that are not there yet, as those `written` are; what was shown first counts."""
    rows: dict[tuple[object, ...], Impression] = {}
    for showing in showings:
        for row in showing.impressions(written.get(showing.page, ())):
            rows.setdefault((row.user_id, row.item_id, row.day, row.version), row)
    if not rows:
        return
    try:
        _insert(rows.values())
    except IntegrityError:  # an account was deleted meanwhile, or a title was merged
        with transaction.atomic():
            _insert(_with_both_ends(rows.values()))


def _insert(rows: Iterable[Impression]) -> None:
    with transaction.atomic():
        Impression.objects.bulk_create(rows, ignore_conflicts=True)


def _with_both_ends(rows: Iterable[Impression]) -> list[Impression]:
    """Keep the rows whose person and title still exist, of merged titles as what they are now."""
    rows = list(rows)
    people = get_user_model()._default_manager.filter(pk__in={row.user_id for row in rows})
    user_ids, now = set(people.values_list("pk", flat=True)), hold(row.item_id for row in rows)
    kept = [row for row in rows if row.user_id in user_ids and row.item_id in now]
    for row in kept:
        row.item_id = now[row.item_id]
    return kept


def carry_over_impressions(giver: AbstractBaseUser, receiver: AbstractBaseUser) -> None:
    """Give `receiver` what `giver` was shown; `recommender.outcomes` finds again what followed."""
    rows = [
        Impression(
            user_id=receiver.pk,
            item_id=row.item_id,
            version=row.version,
            slot=row.slot,
            position=row.position,
            propensity=row.propensity,
            day=row.day,
            shown_at=row.shown_at,
        )
        for row in Impression.objects.of(giver).iterator()
    ]
    Impression.objects.bulk_create(rows, COPY_BATCH, ignore_conflicts=True)


_log = Log()


def record(request: HttpRequest, page: FeedPage) -> None:
    """Note the cards that a person is being shown; visitors, HEAD and prefetching leave no trace."""
    if page.cards and request.user.is_authenticated and _is_for_eyes(request):
        anime_ids = tuple(card.item.pk for card in page.cards)
        wildcards = {card.item.pk: card.propensity for card in page.cards if card.is_wildcard}
        version = page.version or ""
        _log.add(Showing(request.user.pk, version, page.start, anime_ids, timezone.now(), wildcards))


def _is_for_eyes(request: HttpRequest) -> bool:
    fetched_ahead = any("prefetch" in request.headers.get(name, "") for name in PREFETCH_HEADERS)
    return request.method == "GET" and not fetched_ahead


def start() -> None:
    """Begin to write in the background, until the process ends; call in each web worker, after the fork."""
    _log.start()
    atexit.register(stop)


def stop() -> None:
    """Write what waits and end the thread; from then on each page is written at once."""
    global _log
    _log.stop()
    _log = Log()


def _begin_anew_in_child() -> None:
    """Threads do not survive a fork, and what waits is the parent's to write."""
    global _log
    _log = Log()


os.register_at_fork(after_in_child=_begin_anew_in_child)
