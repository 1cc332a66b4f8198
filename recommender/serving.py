"""The ranker that is live in this process: loaded from the active checkpoint, swapped when it changes.

`get_ranker()` reads one reference. A web worker calls `start()` after its fork: a daemon thread then asks
every `CHECKPOINT_POLL_SECONDS`, or sooner, which checkpoint is active and loads a new one off the request
path. A process without that thread (development server, commands, tests) asks at that pace while answering.
Whatever goes wrong, what served keeps serving, and where there is nothing the feed is the list of popular
titles.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from django.db import close_old_connections, connections
from django.db.utils import DatabaseError, InterfaceError
from numpy.typing import NDArray

from ml.history import History
from recommender.catalogue import Catalogue, catalogue_version, read_catalogue
from recommender.heaps import Tidying, give_back_memory, set_aside
from recommender.models import Checkpoint, NotServable
from recommender.remembered import Remembered
from recommender.starter_grid import starter_grid

if TYPE_CHECKING:
    from ml.ranker import Ranker

logger = logging.getLogger(__name__)

# A checkpoint that failed to load is tried again after this long: its volume may have been mounted late.
RETRY_SECONDS = 60.0


@dataclass(frozen=True)
class LiveRanker:
    """A checkpoint as it serves, with what serving must know about the catalogue. Immutable."""

    version: str
    ranker: Ranker
    strangers: frozenset[int]  # titles the model knows that are not in the catalogue: never rank them
    catalogue: Catalogue
    remembered: Remembered = field(default_factory=Remembered, init=False, compare=False, repr=False)

    @property
    def series(self) -> Mapping[int, str]:
        """Map each title to what its seasons and films have in common."""
        return self.catalogue.series

    @cached_property
    def starters(self) -> tuple[int, ...]:
        """Return what a newcomer may pick from, chosen when somebody first asks."""
        return starter_grid(self.catalogue, self.ranker)

    @cached_property
    def item_ids(self) -> NDArray[np.int64]:
        """Return the ids of the ranker's titles, in its order."""
        return np.array(self.ranker.item_ids, dtype=np.int64)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Return the catalogue's row of each of the ranker's titles, -1 for strangers."""
        row = {anime_id: row for row, anime_id in enumerate(self.catalogue.ids.tolist())}
        return np.array([row.get(anime_id, -1) for anime_id in self.ranker.item_ids], dtype=np.int64)


@dataclass(frozen=True)
class Status:
    """What this process serves, and what keeps it from serving the active checkpoint; for `/healthz`."""

    version: str | None
    problem: str


class Watch:
    """Keeps one process's ranker in step with the active checkpoint."""

    def __init__(self) -> None:
        self.live: LiveRanker | None = None
        self.catalogue: Catalogue | None = None
        self._outage = self._problem = ""
        self._failed = ""  # the version that would not load, tried at _failed_at
        self._failed_at = 0.0
        self._asked_at: float | None = None
        self._asking = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def problem(self) -> str:
        """Say what keeps the active checkpoint from serving; empty when nothing does."""
        if self.is_followed and self._asked_at is None:
            return "The active checkpoint is being looked for."
        return self._outage or self._problem

    @property
    def is_followed(self) -> bool:
        """Tell whether a thread keeps it in step."""
        return self._thread is not None

    def start(self) -> None:
        """Ask in a thread of its own from now on."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="checkpoint-watch", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def current(self) -> LiveRanker | None:
        """Return the ranker to use now, asking first where no thread does and it was long enough ago."""
        if self._asked_at is None:
            with self._asking:  # the first answer waits for the model
                if self._asked_at is None:
                    self._ask()
        elif self._thread is None and self._is_due(self._asked_at) and self._asking.acquire(blocking=False):
            try:  # later ones do not queue behind somebody else's loading
                self._ask()
            finally:
                self._asking.release()
        return self.live

    @staticmethod
    def _is_due(asked_at: float) -> bool:
        return bool(time.monotonic() - asked_at >= settings.CHECKPOINT_POLL_SECONDS)

    def _run(self) -> None:
        import torch  # noqa: PLC0415  # it takes seconds: here nobody waits for it

        import ml.ranker  # noqa: F401, PLC0415  # all that a ranker needs, to be set aside with the rest

        # Web workers are threads over processes: one core a request, or they fight over the cores.
        torch.set_num_threads(1)
        set_aside()
        tidying = Tidying()
        while not self._stopping.is_set():
            close_old_connections()  # one connection is kept while it works, and replaced after an outage
            with self._asking:
                self._ask()
            close_old_connections()
            tidying.come_by()
            # Not in step with the other workers: a core each, they would leave none to the requests.
            self._stopping.wait(settings.CHECKPOINT_POLL_SECONDS * random.uniform(0.5, 1.0))  # noqa: S311
        connections.close_all()

    def _ask(self) -> None:
        """Look once which checkpoint is active and follow it."""
        try:
            self._read_catalogue()
            self._follow(Checkpoint.objects.active())
        except (DatabaseError, InterfaceError) as error:
            if not self._outage:
                logger.warning("The database does not answer, the ranker stays as it is: %s", error)
            self._outage = f"The database does not answer ({type(error).__name__})."
        else:
            self._outage = ""
        finally:
            self._asked_at = time.monotonic()

    def _read_catalogue(self) -> None:
        """Keep the snapshot for as long as it holds: a new one takes Python half a second."""
        version = catalogue_version()
        if self.catalogue is None or self.catalogue.version != version:
            self.catalogue = read_catalogue(version)

    def _follow(self, active: Checkpoint | None) -> None:
        if active is None:
            self.live = None
            self._report(logging.WARNING, "No checkpoint is active; python manage.py load_starter has one.")
        elif self.live is not None and self.live.version == active.version:
            self._problem = self._failed = ""
            if self.catalogue is not None and self.live.catalogue is not self.catalogue:
                self.live = _with_catalogue(active.version, self.live.ranker, self.catalogue)
        elif active.version != self._failed or time.monotonic() - self._failed_at >= RETRY_SECONDS:
            self._load(active)

    def _load(self, active: Checkpoint) -> None:
        try:
            self.live = live_ranker(active, self.catalogue)
        except (DatabaseError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001  # whatever is wrong with it, what served before keeps serving
            self._failed, self._failed_at = active.version, time.monotonic()
            instead = f"{self.live.version} keeps serving" if self.live else "popular titles are served"
            reason = str(error).replace(
                f"{settings.CHECKPOINT_DIR}{os.sep}", ""
            )  # shown to everybody: no paths
            self._report(logging.ERROR, f"Checkpoint {active.version} does not load, {instead}: {reason}")
        else:
            self._problem = self._failed = ""
            give_back_memory()
            logger.info("Serving checkpoint %s", active.version)

    def _report(self, level: int, problem: str) -> None:
        """Keep the problem for /healthz, and log it when it is news."""
        if problem != self._problem:
            logger.log(level, problem)
        self._problem = problem


def live_ranker(checkpoint: Checkpoint, catalogue: Catalogue | None = None) -> LiveRanker:
    """Load a checkpoint and try it on the catalogue, which is read where it is not given.

    Raises NotServable when it does not load or cannot rank the catalogue.
    """
    ranker = checkpoint.load()
    live = _with_catalogue(checkpoint.version, ranker, catalogue or read_catalogue(catalogue_version()))
    if not ranker.rank(History(), 1, exclude=live.strangers):
        raise NotServable("it knows no title of the catalogue. Import the catalogue it was trained on.")
    return live


def _with_catalogue(version: str, ranker: Ranker, catalogue: Catalogue) -> LiveRanker:
    return LiveRanker(version, ranker, frozenset(ranker.item_ids) - catalogue.series.keys(), catalogue)


_watch = Watch()


def get_ranker() -> LiveRanker | None:
    """Return the live ranker, or None where popular titles must be served. Safe from any thread."""
    return _watch.current()


def get_catalogue() -> Catalogue:
    """Return the snapshot of the catalogue that goes with the live ranker, or stands alone. Thread-safe."""
    live = _watch.current()
    catalogue = live.catalogue if live else _watch.catalogue
    return catalogue or read_catalogue(catalogue_version())  # no answer yet: let an outage show itself


def status() -> Status:
    """Say what this process serves, and why it is not the active checkpoint where it is not.

    Where a thread looks for it, a health check does not wait for what the thread may be waiting for.
    """
    live = _watch.live if _watch.is_followed else _watch.current()
    return Status(live.version if live else None, _watch.problem)


def start() -> None:
    """Begin to follow the active checkpoint in the background; call in each web worker, after the fork."""
    _watch.start()


def forget() -> None:
    """Drop the ranker and stop following; the next `get_ranker` begins anew."""
    global _watch
    _watch.stop()
    _watch = Watch()


def _begin_anew_in_child() -> None:
    """Threads and torch's pools do not survive a fork: a child must load its own ranker."""
    global _watch
    _watch = Watch()


os.register_at_fork(after_in_child=_begin_anew_in_child)
