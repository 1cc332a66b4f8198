"""Runs the site's processes together: one log, restarts with backoff, and nothing left behind.

One thread and one selector read every child's output. Children are session leaders: a terminal's Ctrl-C
reaches only the supervisor, and a process group can be ended as a whole. On Linux the kernel signals them
when the supervisor itself is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from nostrade_site.board import Board

COLOURS = (36, 32, 33, 35, 34)
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class SiteError(Exception):
    """The site cannot run; the message says why and what to do."""

    def __init__(self, sentence: str, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status  # to end with


@dataclass(frozen=True)
class Program:
    """One process to keep running."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    niceness: int = 0  # how far it stands behind the others where all want the processor
    vital: bool = False  # where it cannot start, neither can the site
    shares_board: bool = False  # reads there how the others fare


@dataclass(frozen=True)
class Patience:
    """How long the supervisor waits for what, in seconds."""

    quick_death: float = 10.0  # a child that ends sooner than this counts as failing to start
    attempts: int = 4  # to start, before the site gives up, or goes on without
    longest_pause: float = 60.0
    stop: float = 10.0


class Child:
    """A program, started."""

    def __init__(self, program: Program, board: Board) -> None:
        self.program = program
        self.started = time.monotonic()
        shared = board.environ if program.shares_board else {}
        self.process = subprocess.Popen(
            program.command,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **shared, **program.env},
            pass_fds=[board.descriptor] if shared else [],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_begins(program, os.getpid()),
        )
        assert self.process.stdout is not None  # noqa: S101 - for the type checker
        self.output = self.process.stdout
        self._tail = b""
        os.set_blocking(self.output.fileno(), False)

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def how_it_ended(self) -> str:
        code = self.process.wait()
        return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"

    def lines(self) -> Iterator[str]:
        """Yield what it has printed since the last call; an unfinished line waits, unless it was the last."""
        with contextlib.suppress(BlockingIOError):
            # More than a pipe holds, and yet an end: one that never pauses must not silence the others.
            for _ in range(4):
                data = os.read(self.output.fileno(), 65536)
                *lines, self._tail = (self._tail + data).split(b"\n")
                yield from (line.decode(errors="replace") for line in lines)
        if self._tail and not self.running:
            yield self._tail.decode(errors="replace")
            self._tail = b""

    def ask_to_stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(self.program.stop_signal)

    def kill_group(self) -> None:
        """End it and whatever it left behind: its workers share its process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


@dataclass
class Slot:
    """The place of one program: its child, or when the next one is due."""

    program: Program
    child: Child | None = None
    quick_deaths: int = 0
    restart_at: float = 0.0
    starting: bool = False  # the site waits for it
    trouble: str = ""


class Supervisor:
    """Starts programs, keeps them running and, leaving the `with` block, stops them all."""

    def __init__(self, patience: Patience | None = None, *, as_json: bool = False) -> None:
        """Print lines for people, or each as one JSON object that names its program."""
        self.patience = patience or Patience()
        self._as_json = as_json
        self.slots: list[Slot] = []
        self.stopping = False
        self._board = Board.fresh()
        self._selector = selectors.DefaultSelector()
        self._colourful = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def __enter__(self) -> Supervisor:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_all()
        self._selector.close()
        self._board.close()

    def run_once(self, program: Program) -> None:
        """Run a program to its end; its failure is the site's."""
        child = self._spawn(program)
        while child.running and not self.stopping:
            self._pass_on_output()
        if self.stopping:
            child.ask_to_stop()
        self._stop(child, time.monotonic() + self.patience.stop)
        if child.process.returncode and not self.stopping:
            raise SiteError(
                f"{program.name} failed ({child.how_it_ended}): its lines above say why.",
                status=max(1, child.process.returncode),
            )

    def start(self, program: Program, ready: Callable[[int], bool] | None = None) -> None:
        """Start a program and keep it running from now on; return once `ready(pid)`, where that is given.

        One that keeps ending before that ends the site where it is vital; without another the site goes on.
        """
        slot = Slot(program, self._spawn(program), starting=ready is not None)
        self.slots.append(slot)
        while ready is not None and slot.starting and not self.stopping:
            if slot.child is not None and ready(slot.child.process.pid):
                slot.starting = False
            else:
                self._tick()

    def keep(self, until: Callable[[], bool] = lambda: False) -> None:
        """Keep everything running until a signal asks to stop, or `until` says so."""
        while not self.stopping and not until():
            self._tick()

    def say(self, line: str) -> None:
        self._print("nostrade", 1, line)

    def _asked_to_stop(self, *_: object) -> None:
        if self.stopping:  # asked twice: no more patience
            for child in self._children():
                child.kill_group()
        self.stopping = True

    def _children(self) -> list[Child]:
        return [key.data for key in self._selector.get_map().values()]

    def _spawn(self, program: Program) -> Child:
        child = Child(program, self._board)
        self._selector.register(child.output, selectors.EVENT_READ, child)
        return child

    def _tick(self) -> None:
        self._pass_on_output()
        for slot in self.slots:
            if slot.child is None:
                if time.monotonic() >= slot.restart_at:
                    slot.child = self._spawn(slot.program)
            elif not slot.child.running:
                self._bury(slot, slot.child)
            elif slot.trouble and time.monotonic() - slot.child.started >= self.patience.quick_death:
                self._note(slot, "")

    def _bury(self, slot: Slot, child: Child) -> None:
        """Note a death and plan the restart: after ever longer pauses, for as long as the site runs."""
        slot.child = None
        self._let_go(child)
        name, how, lived = child.program.name, child.how_it_ended, time.monotonic() - child.started
        slot.quick_deaths = slot.quick_deaths + 1 if lived < self.patience.quick_death else 0
        often = f" {slot.quick_deaths} times in a row right after its start" if slot.quick_deaths > 1 else ""
        if slot.starting and slot.quick_deaths >= self.patience.attempts:
            self._give_up(slot, f"{name} ended{often} ({how})")
        pause = min(2.0 ** min(slot.quick_deaths, 16) / 2, self.patience.longest_pause)
        slot.restart_at = time.monotonic() + pause
        self.say(f"{name} ended{often} ({how}); it starts again in {pause:g} s")
        self._note(slot, f"{name} ended{often} ({how})")

    def _give_up(self, slot: Slot, said: str) -> None:
        """Stop waiting for a program that does not start."""
        if slot.program.vital:
            raise SiteError(f"{said}: its lines above say why.")
        slot.starting = False
        self.say(f"{said}: the site goes on without it")

    def _note(self, slot: Slot, trouble: str) -> None:
        """Let the web server know how a program fares."""
        slot.trouble = trouble
        self._board.write([each.trouble for each in self.slots if each.trouble])

    def _pass_on_output(self, wait: float = 0.1) -> None:
        for key, _ in self._selector.select(wait):
            if not self._print_lines(key.data):
                time.sleep(0.01)  # a closed pipe is always readable: do not spin on it

    def _print_lines(self, child: Child) -> bool:
        """Print what a child said; tell whether it said anything."""
        name, lines = child.program.name, list(child.lines())
        for line in lines:
            self._print(name, COLOURS[sum(map(ord, name)) % len(COLOURS)], line)
        return bool(lines)

    def _print(self, name: str, colour: int, line: str) -> None:
        if self._as_json:
            text = as_object(name, line)
        else:
            prefix = f"{time.strftime('%H:%M:%S')} {name:<8} |"
            text = f"\033[{colour}m{prefix}\033[0m {line}" if self._colourful else f"{prefix} {line}"
        with contextlib.suppress(OSError):  # nobody reads any more: stopping must go on all the same
            print(text, flush=True)  # noqa: T201 - this is the log

    def _stop_all(self) -> None:
        """Stop everything but the first program together, then the first, which the others talk to."""
        self.stopping = True
        first = [slot.child for slot in self.slots[:1] if slot.child is not None]
        others = [child for child in self._children() if child not in first]
        for group in (others, first):
            for child in group:
                child.ask_to_stop()
            deadline = time.monotonic() + self.patience.stop
            for child in group:
                self._stop(child, deadline)
        self.slots.clear()

    def _stop(self, child: Child, deadline: float) -> None:
        while child.running and time.monotonic() < deadline:
            self._pass_on_output(0.05)
        self._let_go(child)

    def _let_go(self, child: Child) -> None:
        child.kill_group()
        child.process.wait()
        self._print_lines(child)
        self._selector.unregister(child.output)
        child.output.close()


def as_object(name: str, line: str) -> str:
    """Return a line as a JSON object: its own, where it is one, and the program's name in either."""
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    if not isinstance(said, dict):  # not from our log: a warning of Celery's, say
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        said = {"time": now, "level": "INFO", "logger": name, "message": line}
    return json.dumps({"program": name} | said, ensure_ascii=False)


def _begins(program: Program, parent: int) -> Callable[[], None]:
    """Return what a child runs before its program: on Linux it asks to be signalled when `parent` ends."""

    def in_child() -> None:
        # Ours would swallow what comes before the program starts, and where the site runs in a shell's
        # background SIGINT and SIGQUIT are ignored, which programs inherit: the trainer would never hear.
        for each in STOP_SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, program.stop_signal)
            if os.getppid() != parent:  # it ended before the line above
                os._exit(1)
        if program.niceness:
            _stand_behind(program.niceness)

    return in_child


def _stand_behind(niceness: int) -> None:
    """Let the other programs have the processor first.

    Linux may share it out among sessions, and each program is one of its own: being nice then counts within
    it alone (sched(7), autogroup), and it is the group that has to stand back.
    """
    os.nice(niceness)
    with contextlib.suppress(OSError):  # the kernel does not group, or a container does not let us
        Path("/proc/self/autogroup").write_text(str(niceness))
