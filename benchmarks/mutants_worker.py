"""A pytest plugin that runs the collected tests against many versions of one module, each in a fork.

    NOSTRADE_MUTANTS=job.json python -m pytest -p benchmarks.mutants_worker TESTS

The job is {"module": name, "sources": [...], "results": path}. A fresh interpreter with Django, PyTorch and a
test database takes ten seconds, a thousand times over. So all tests run once as they are, and which functions
each of them enters is noted; what they share (imports, the database, trained models) then stays, and each
version runs in a fork the tests that enter what it changes, until one fails. A line of the results is a
version's outcome, "killed" or "survived", or "broken" with the tests that fail without any change.

A version is installed in the living process: plain functions and classes are changed where they are, so that
everybody who holds one has the new one; of what cannot be (a number, a decorated function), every
`from module import name` is repeated. What an import alone has computed elsewhere stays as it was.
"""

from __future__ import annotations

import ast
import gc
import json
import os
import resource
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, NoReturn, TextIO

import pytest

HERE = Path(__file__).parents[1]
PATIENCE = 20  # times the processor time that a test takes as it is, and
LEAST_SECONDS = 5  # of processor time at least: more is an endless loop
WAITS = 600  # seconds on the clock, for a version that waits for ever
TRANSPARENT = {"property", "classmethod", "staticmethod"}  # decorators that let every call through
MORE_MEMORY = 4 << 30  # bytes that a version may take beyond what is there


class Neighbour:
    """Stands for a next test beside this one, so that what they would share is kept."""

    def __init__(self, item: pytest.Item) -> None:
        self.item = item

    def listchain(self) -> list[Any]:
        return self.item.listchain()[:-1]


class Outcomes:
    """Notes which tests failed."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


def pytest_sessionstart() -> None:
    """Keep the test database in memory, so that each fork has its own."""
    if django := sys.modules.get("django.db"):
        for connection in django.connections.all():
            if connection.vendor != "sqlite":
                raise pytest.UsageError("unset DATABASE_URL: mutants need a database in memory")
            connection.settings_dict["TEST"]["NAME"] = None


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    if not os.environ.get("NOSTRADE_MUTANTS") or session.testsfailed:
        return None
    job = json.loads(Path(os.environ["NOSTRADE_MUTANTS"]).read_text())
    outcomes = Outcomes()
    session.config.pluginmanager.register(outcomes)
    with Path(job["results"]).open("w", buffering=1) as results:
        run_all(session, outcomes, sys.modules[job["module"]], job["sources"], results)
    return True


def run_all(
    session: pytest.Session, outcomes: Outcomes, module: ModuleType, sources: list[str], results: TextIO
) -> None:
    entered, seconds = as_they_are(session, outcomes, module)
    original = Path(str(module.__file__)).read_text(encoding="utf-8")
    borrowed, kills = borrowed_from(module), Counter[str]()
    gc.freeze()  # the forks share what is there

    def outcome_of(source: str, items: list[pytest.Item]) -> str:
        child = os.fork()
        if not child:
            live_as(partial(install, module, source, borrowed), session, outcomes, items, seconds)
        return ended(child, items, kills)

    if not outcomes.failed and outcome_of(original, session.items) != "survived":
        outcomes.failed += [f"{test}, with the module installed as it is" for test in kills]
    if outcomes.failed:
        results.write(json.dumps({"broken": outcomes.failed}) + "\n")
        return
    for source in sources:
        changed = functions_changed(original, source)  # None where it is a matter of every test
        items = [item for item in session.items if changed is None or changed & entered[item.nodeid]]
        # First what is quick, and what has noticed many before.
        items.sort(key=lambda item: seconds[item.nodeid] / (1 + kills[item.nodeid]))
        results.write(json.dumps({"outcome": outcome_of(source, items) if items else "survived"}) + "\n")


def as_they_are(
    session: pytest.Session, outcomes: Outcomes, module: ModuleType
) -> tuple[dict[str, set[int]], dict[str, float]]:
    """Run all tests; return the first lines of the functions that each enters, and its processor time."""
    entered: dict[str, set[int]] = {}
    seconds: dict[str, float] = {}
    lines: set[int] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename == module.__file__:
            lines.add(frame.f_code.co_firstlineno)

    for place, item in enumerate(session.items):
        lines.clear()
        began = time.process_time()
        threading.setprofile(note)
        sys.setprofile(note)
        run(item, session.items[place + 1 : place + 2])
        sys.setprofile(None)
        entered[item.nodeid], seconds[item.nodeid] = set(lines), time.process_time() - began
    threading.setprofile(None)  # type: ignore[arg-type]
    return entered, seconds


def run(item: pytest.Item, following: list[pytest.Item]) -> None:
    rest: Any = following[0] if following else Neighbour(item)
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=rest)


def functions_changed(original: str, source: str) -> set[int] | None:
    """Return the first line of the function that differs, and of those around it; None for none."""
    before, after = original.splitlines(), source.splitlines()
    same = next((n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before) - 1)
    found: set[int] = set()
    for node in ast.walk(ast.parse(original)):
        if isinstance(node, ast.FunctionDef | ast.Lambda) and node.lineno <= same + 1 <= (
            node.end_lineno or 0
        ):
            found.add(node.lineno)
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            first = node.decorator_list[0].lineno
            if first <= same + 1 <= (node.end_lineno or 0):
                if not {ast.unparse(each) for each in node.decorator_list} <= TRANSPARENT:
                    return None  # what a cache answers enters nothing
                found.add(first)
    return found or None


def live_as(
    version: Callable[[], None],
    session: pytest.Session,
    outcomes: Outcomes,
    items: list[pytest.Item],
    seconds: dict[str, float],
) -> NoReturn:
    """Become a version, run tests until one fails, and end: 0, or the place of that test from 1."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    limit(resource.RLIMIT_CORE, 0)
    if (pages := Path("/proc/self/statm")).exists():
        size = int(pages.read_text().split()[0]) * resource.getpagesize()
        limit(resource.RLIMIT_AS, size + MORE_MEMORY)
    try:
        version()
        session._setupstate.teardown_exact(items[0])  # where another module ran last
        for place, item in enumerate(items):
            patience = max(PATIENCE * seconds[item.nodeid], LEAST_SECONDS)
            limit(resource.RLIMIT_CPU, int(time.process_time() + patience) + 1)
            run(item, items[place + 1 : place + 2])
            if outcomes.failed:
                os._exit(min(1 + place, 200))
    except BaseException:  # noqa: BLE001  # whatever a mutant breaks
        os._exit(255)
    os._exit(0)


def limit(what: int, most: int) -> None:
    resource.setrlimit(what, (most, resource.getrlimit(what)[1]))


def ended(child: int, items: list[pytest.Item], kills: Counter[str]) -> str:
    """Wait for a version's end, return what became of it, and count which test killed it."""
    deadline = time.monotonic() + WAITS
    while time.monotonic() < deadline:
        over, status = os.waitpid(child, os.WNOHANG)
        if over:
            place = os.waitstatus_to_exitcode(status) - 1
            if 0 <= place < min(len(items), 200):
                kills[items[place].nodeid] += 1
            return "killed" if status else "survived"
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "killed"


def install(module: ModuleType, source: str, borrowed: list[tuple[ModuleType, CodeType]]) -> None:
    """Put another version of a module in the place of the one that everybody uses."""
    before = dict(vars(module))
    exec(compile(source, str(module.__file__), "exec", dont_inherit=True), vars(module))  # noqa: S102
    for name, old in before.items():
        new = vars(module).get(name)
        if getattr(old, "__module__", None) == module.__name__ and taken_over(old, new):
            setattr(module, name, old)
    for user, statement in borrowed:
        exec(statement, vars(user))  # noqa: S102


def taken_over(old: Any, new: Any) -> bool:
    """Make an old function or class do what the new one does, where that can be done."""
    if type(old) is type(new) is FunctionType and not (old.__closure__ or new.__closure__):
        old.__code__, old.__defaults__, old.__kwdefaults__ = (
            new.__code__,
            new.__defaults__,
            new.__kwdefaults__,
        )
        return True
    if type(old) is type(new) is type:
        for name in vars(old).keys() - vars(new).keys():
            delattr(old, name)
        for name, value in vars(new).items():
            if name not in ("__dict__", "__weakref__", "__doc__"):
                setattr(old, name, value)
        return True
    return False


def borrowed_from(module: ModuleType) -> list[tuple[ModuleType, CodeType]]:
    """Return the statements with which modules of ours take names from this one."""
    found = []
    for user in list(sys.modules.values()):
        path = Path(getattr(user, "__file__", None) or "/")
        if HERE not in path.parents or ".venv" in str(path.relative_to(HERE)) or user is module:
            continue
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.ImportFrom) and statement.module == module.__name__:
                code = compile(ast.Module([statement], []), str(path), "exec", dont_inherit=True)
                found.append((user, code))
    return found
