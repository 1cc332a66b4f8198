"""The supervisor, with real processes."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nostrade_site.supervisor import Patience, Program, SiteError, Supervisor

HASTY = Patience(quick_death=5.0, attempts=3, longest_pause=0.1, stop=1.0)
FOREVER = "import time; time.sleep(600)"


def python(name: str, code: str, **options: object) -> Program:
    return Program(name, (sys.executable, "-c", code), **options)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and waits for its parent does not count."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def eventually(condition: Callable[[], object], seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(condition())


@pytest.fixture(autouse=True)
def _restored_signals():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_it_prefixes_each_line_with_the_program(capfd):
    with Supervisor(HASTY) as supervisor:
        supervisor.run_once(python("greeter", "print('good'); print('morning', end='')"))
    lines = capfd.readouterr().out.splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["greeter  | good", "greeter  | morning"]


def test_where_the_log_is_json_each_line_is_one_object(capfd):
    said = ['{"level": "INFO", "message": "ä"}', "Celery warns", "[1]", "", '{"cut']
    with Supervisor(HASTY, as_json=True) as supervisor:
        supervisor.run_once(python("greeter", f"print({chr(10).join(said)!r})"))
        supervisor.say("stopping")
    first, *others = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert first == {"program": "greeter", "level": "INFO", "message": "ä"}
    assert [line["message"] for line in others] == [*said[1:], "stopping"]
    assert [line["program"] for line in others] == ["greeter"] * 4 + ["nostrade"]


def test_it_stops_what_it_started():
    pids = []
    with Supervisor(HASTY) as supervisor:
        for name in ("one", "two"):
            supervisor.start(python(name, FOREVER), ready=lambda pid: pids.append(pid) or True)
    assert len(pids) == 2
    assert not any(map(alive, pids))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_keep(number):
    with Supervisor(HASTY) as supervisor:
        supervisor.start(python("one", FOREVER))
        threading.Timer(0.2, os.kill, (os.getpid(), number)).start()
        supervisor.keep()
        assert supervisor.stopping


def test_it_kills_a_child_that_does_not_listen():
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)"
    )
    pids = []
    with Supervisor(HASTY) as supervisor:
        supervisor.start(python("deaf", stubborn), ready=lambda pid: pids.append(pid) or True)
        deadline = time.monotonic() + 0.5
        supervisor.keep(until=lambda: time.monotonic() > deadline)
    assert not alive(pids[0])


def test_it_ends_what_a_dead_child_left_behind(tmp_path):
    note = tmp_path / "pid"
    code = (
        f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {FOREVER!r}]); "
        f"open({str(note)!r}, 'w').write(str(p.pid)); sys.exit(1)"
    )
    with Supervisor(HASTY) as supervisor:
        with pytest.raises(SiteError):
            supervisor.run_once(python("careless", code))
        assert eventually(lambda: not alive(int(note.read_text())))


def test_it_restarts_a_child_that_died(capfd):
    pids: set[int] = set()
    with Supervisor(HASTY) as supervisor:

        def ready(pid: int) -> bool:
            if pid not in pids:
                pids.add(pid)
                os.kill(pid, signal.SIGKILL)
            return len(pids) == 2

        supervisor.start(python("mortal", FOREVER), ready=ready)
    assert "mortal ended (killed by SIGKILL); it starts again in" in capfd.readouterr().out


def test_it_gives_up_on_a_vital_program_that_cannot_start_and_stops_the_rest():
    pids = []
    with Supervisor(HASTY) as supervisor:
        supervisor.start(python("sound", FOREVER), ready=lambda pid: pids.append(pid) or True)
        with pytest.raises(SiteError, match=r"broken ended 3 times in a row .* \(exit code 7\)"):
            supervisor.start(python("broken", "raise SystemExit(7)", vital=True), ready=lambda pid: False)
    assert not alive(pids[0])


def test_another_that_cannot_start_is_left_behind_and_tried_on(capfd):
    pids = []
    with Supervisor(HASTY) as supervisor:
        supervisor.start(python("broken", "raise SystemExit(7)"), ready=lambda pid: False)
        supervisor.start(python("sound", FOREVER), ready=lambda pid: pids.append(pid) or True)
        said: list[str] = []
        supervisor.keep(until=lambda: said.append(capfd.readouterr().out) or "5 times" in "".join(said))
        assert alive(pids[0])
    assert "the site goes on without it" in "".join(said)


def test_nothing_that_keeps_dying_ends_the_site(capfd):
    """Four deaths of the scheduler in a row once ended the web server too."""
    pids, said = [], []
    with Supervisor(HASTY) as supervisor:
        supervisor.start(python("web", FOREVER, vital=True), ready=lambda pid: pids.append(pid) or True)
        supervisor.start(python("beat", "raise SystemExit(7)"))
        supervisor.keep(until=lambda: said.append(capfd.readouterr().out) or "6 times" in "".join(said))
        assert alive(pids[0])
    pauses = re.findall(r"starts again in ([\d.]+) s", "".join(said))
    assert set(pauses[1:]) == {"0.1"}  # HASTY's longest


def test_pauses_grow_to_a_longest(capfd):
    patience = Patience(quick_death=5.0, attempts=2, longest_pause=2.0, stop=1.0)
    said: list[str] = []
    with Supervisor(patience) as supervisor:
        supervisor.start(python("beat", "raise SystemExit(7)"))
        supervisor.keep(until=lambda: said.append(capfd.readouterr().out) or "3 times" in "".join(said))
    assert re.findall(r"starts again in ([\d.]+) s", "".join(said)) == ["1", "2", "2"]


def test_the_web_server_reads_who_keeps_ending(tmp_path):
    """Not from a disk: that it is full may be why."""
    note = tmp_path / "note"
    patience = Patience(quick_death=1.0, attempts=3, longest_pause=0.1, stop=1.0)
    code = (
        "import time; from pathlib import Path; from nostrade_site.board import troubles\n"
        f"while True: Path({str(note)!r}).write_text(repr(troubles())); time.sleep(0.05)"
    )
    healed = tmp_path / "healed"
    beat = f"import os, sys, time\nif not os.path.exists({str(healed)!r}): sys.exit(1)\ntime.sleep(600)"
    with Supervisor(patience) as supervisor:
        supervisor.start(python("web", code, shares_board=True))
        supervisor.start(python("beat", beat))

        def reads(text: str) -> Callable[[], bool]:
            until = time.monotonic() + 120
            return lambda: (note.exists() and text in note.read_text()) or time.monotonic() > until

        supervisor.keep(until=reads("beat ended"))
        assert "beat ended" in note.read_text()
        healed.touch()
        supervisor.keep(until=reads("[]"))
        assert note.read_text() == "[]"


def test_a_failed_preparation_is_a_sentence():
    with Supervisor(HASTY) as supervisor, pytest.raises(SiteError, match=r"prepare failed \(exit code 3\)"):
        supervisor.run_once(python("prepare", "raise SystemExit(3)"))


def test_it_sends_the_signal_a_program_asks_for(capfd):
    code = (
        "import signal, sys, time; signal.signal(signal.SIGQUIT, lambda *_: sys.exit('quit it is')); "
        "print('set', flush=True); time.sleep(600)"
    )
    with Supervisor(HASTY) as supervisor:
        supervisor.start(python("trainer", code, stop_signal=signal.SIGQUIT))
        supervisor.keep(until=lambda: "set" in capfd.readouterr().out)
    assert "quit it is" in capfd.readouterr().out


def test_a_program_may_stand_behind_the_others(capfd):
    with Supervisor(HASTY) as supervisor:
        supervisor.run_once(python("trainer", "import os; print('nice', os.nice(0))", niceness=10))
    assert f"nice {min(os.nice(0) + 10, 19)}" in capfd.readouterr().out  # 19 is as nice as it gets


@pytest.mark.skipif(not os.access("/proc/self/autogroup", os.W_OK), reason="no groups that one may set here")
def test_so_does_the_group_that_its_session_is(capfd):
    code = "from pathlib import Path; print(Path('/proc/self/autogroup').read_text())"
    with Supervisor(HASTY) as supervisor:
        supervisor.run_once(python("trainer", code, niceness=10))
    assert re.search(r"/autogroup-\d+ nice 10\n", capfd.readouterr().out)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals the children of a killed process")
@pytest.mark.parametrize("stop_signal", ["SIGTERM", "SIGQUIT"])
def test_children_end_with_a_killed_supervisor(tmp_path, stop_signal):
    note = tmp_path / "pid"
    code = (
        "import sys; from nostrade_site.supervisor import *\n"
        f"note = {str(note)!r}\n"
        "with Supervisor() as s:\n"
        f"    command = (sys.executable, '-c', {FOREVER!r})\n"
        f"    s.start(Program('one', command, stop_signal=signal.{stop_signal}),\n"
        "            ready=lambda pid: open(note, 'w').write(str(pid)))\n"
        "    s.keep()\n"
    )
    # As in the background of a shell, which has its children ignore these.
    in_background = 'trap \'\' INT QUIT; exec "$0" -c "$1"'
    supervisor = subprocess.Popen(["sh", "-c", in_background, sys.executable, code])
    assert eventually(lambda: note.exists() and note.read_text())
    supervisor.kill()
    supervisor.wait()
    assert eventually(lambda: not alive(int(note.read_text())))


def test_output_without_end_does_not_stop_the_others(capfd):
    with Supervisor(HASTY) as supervisor:
        supervisor.start(python("chatty", "while True: print('x' * 200)"))
        supervisor.start(python("quiet", "import time; print('heard'); time.sleep(600)"))
        seen: list[str] = []
        supervisor.keep(until=lambda: seen.append(capfd.readouterr().out) or "heard" in "".join(seen))
    assert "heard" in "".join(seen)
