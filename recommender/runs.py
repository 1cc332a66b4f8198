"""Who trains now: one run at a time on all hosts, held by a row; a run whose worker died is taken over.

The row is a `Checkpoint` in the state `training`, of which a constraint allows one. Its holder gives a sign
with every step. Where the signs stop, another worker takes the run over, data and optimiser state included,
or, after `MAX_ATTEMPTS`, declares it failed and begins anew.
"""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, IntegrityError, models, transaction
from django.utils import timezone

from recommender.models import Checkpoint, shortened, tell

State = Checkpoint.State
SIGN_SECONDS = 10.0  # between two signs of life
SILENCE = timedelta(minutes=10)  # longer than the longest phase without one: the export of a large log
MAX_ATTEMPTS = 3


class CannotRetrain(Exception):  # noqa: N818  # told to people as a sentence
    """A run cannot begin; the message says what to do."""


class RunLost(Exception):  # noqa: N818  # told to people as a sentence
    """Somebody else has taken this run over, or ended it: stop at once, and write nothing."""


class Run:
    """The run that this process holds."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self._signed_at = time.monotonic()

    @property
    def preset(self) -> str:
        """What is trained; whoever takes the run over must know."""
        return str(self.checkpoint.config["preset"])

    @property
    def folder(self) -> Path:
        """Where the run keeps its data and its state until it has ended; no version has a dot in it."""
        return Path(settings.CHECKPOINT_DIR) / f"{self.checkpoint.version}.run"

    def sign(self, step: int = 0, figures: Mapping[str, float] | None = None) -> None:
        """Give a sign of life, at most every `SIGN_SECONDS`, and tell the log of the step it stands at.

        Raises RunLost where the run is not ours.
        """
        if time.monotonic() - self._signed_at < SIGN_SECONDS:
            return
        self._signed_at = time.monotonic()
        try:
            if not self._mine().update(heartbeat_at=timezone.now()):
                raise RunLost(f"{self.checkpoint} was taken over or ended by somebody else.")
        except DatabaseError:
            return  # an outage of the database must not end a night's work; the next sign asks again
        if step:
            self.say(described(step, figures or {}))

    def watch(self, step: int, figures: Mapping[str, float]) -> None:
        """Sign at each step, and tell the log of every validation."""
        if any(name.startswith("validation/") for name in figures):
            self.say(described(step, figures))
        self.sign(step, figures)

    def say(self, text: str) -> None:
        """Tell the log, which people read while the run goes on; it is not worth a run's life."""
        with suppress(DatabaseError):
            tell(self.checkpoint, text)

    def finish(self, state: State, verdict: str) -> None:
        """Leave the state `training`, and clean up. Raises RunLost where the run is not ours any more."""
        left = self._mine().update(state=state, verdict=shortened(verdict), heartbeat_at=timezone.now())
        if not left:
            raise RunLost(f"{self.checkpoint} was taken over or ended by somebody else.")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.checkpoint.refresh_from_db()

    def let_go(self) -> None:
        """Leave the run to the next worker, who goes on where it stands; an interruption is no failed try."""
        self._mine().update(holder="", heartbeat_at=None, attempts=models.F("attempts") - 1)

    def _mine(self) -> models.QuerySet[Checkpoint]:
        return Checkpoint.objects.filter(pk=self.checkpoint.pk, state=State.TRAINING, holder=holder())


def described(step: int, figures: Mapping[str, float]) -> str:
    """Write figures of a step as one line: `train/loss` is loss to people."""
    told = (f"{name.partition('/')[2]} {figure:,.4g}" for name, figure in figures.items())
    return " · ".join((f"Step {step:,}", *told))


def holder() -> str:
    """Name this process, on this host."""
    return f"{socket.gethostname()[:80]}:{os.getpid()}"


def claim(parent: Checkpoint, last_event_id: int, preset: str) -> Run:
    """Take the one place for a run: a dead run's, or a new one. Raises CannotRetrain while another lives."""
    going = Checkpoint.objects.filter(state=State.TRAINING).first()
    if going is not None:
        if not is_dead(going):
            raise CannotRetrain(
                f"Another run is going ({going}, by {going.holder}); wait until it has ended."
            )
        if (run := _taken_over(going)) is not None:
            return run
    now = timezone.now()
    version = f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03}"
    try:
        with transaction.atomic():
            row = Checkpoint.objects.create(
                version=version,
                state=State.TRAINING,
                parent=parent,
                last_event_id=last_event_id,
                config={"preset": preset},
                holder=holder(),
                attempts=1,
                heartbeat_at=now,
            )
    except IntegrityError as error:
        raise CannotRetrain("Another run has just begun; wait until it has ended.") from error
    run = Run(row)
    run.say(f"Begun by {row.holder}, from {parent}.")
    return run


def _taken_over(dead: Checkpoint) -> Run | None:
    """Take a dead run over and return it; one that died too often is declared failed instead."""
    same = Checkpoint.objects.filter(
        pk=dead.pk, state=State.TRAINING, holder=dead.holder, heartbeat_at=dead.heartbeat_at
    )
    if dead.attempts >= MAX_ATTEMPTS:
        verdict = f"Failed: its worker died {dead.attempts} times; its log says why."
        if same.update(state=State.FAILED, verdict=verdict):
            shutil.rmtree(Run(dead).folder, ignore_errors=True)
        return None
    if not same.update(holder=holder(), attempts=dead.attempts + 1, heartbeat_at=timezone.now()):
        raise CannotRetrain(f"Another worker has just taken {dead} over; wait until it has ended.")
    dead.refresh_from_db()
    run = Run(dead)
    run.say(f"Taken over by {dead.holder}: try {dead.attempts} of {MAX_ATTEMPTS}.")
    return run


def is_dead(run: Checkpoint) -> bool:
    """Tell whether nobody works on a run: its process is not on this host any more, or it is silent.

    A sign from the future is as old as one from the past: a clock was set back, and who lives signs anew.
    """
    host, _, pid = run.holder.rpartition(":")
    if pid and host == socket.gethostname()[:80] and not _is_alive(int(pid)):
        return True
    return run.heartbeat_at is None or abs(timezone.now() - run.heartbeat_at) > SILENCE


def dead_run() -> Checkpoint | None:
    """Return the run that waits to be taken over, if there is one."""
    going = Checkpoint.objects.filter(state=State.TRAINING).first()
    return going if going is not None and is_dead(going) else None


def _is_alive(pid: int) -> bool:
    """Tell whether a process of this host runs; another that got its number makes it look alive."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
