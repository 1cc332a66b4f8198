"""However gunicorn ends, none of the folders it counts in stays for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nostrade_site.metrics_folder import claim
from nostrade_site.tests.site import ROOT, eventually, free_port

ECHO = "nostrade_site.tests.echo"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds its processes in /proc")


class Gunicorn:
    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder, self.port = folder, port or free_port()
        self.pid_file, self.temporary = folder / "pid", folder / "tmp"
        self.temporary.mkdir(exist_ok=True)
        mine = {"NOSTRADE_DATA_DIR": str(folder), "PORT": str(self.port), "METRICS_TOKEN": "0123456789abcdef"}
        mine |= {"TMPDIR": str(self.temporary), "DJANGO_SETTINGS_MODULE": "nostrade_site.settings"}
        inherited = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
        words = ["-c", f"python:{ECHO}", "--pid", str(self.pid_file), f"{ECHO}:application"]
        self.process = subprocess.Popen(
            [Path(sys.executable).with_name("gunicorn"), *words],
            cwd=ROOT,
            env=inherited | mine,
            stderr=subprocess.DEVNULL,
        )

    @property
    def counts(self) -> list[Path]:
        return [path for path in (self.folder / "metrics").glob("*") if path.is_dir()]

    @property
    def left_in_temporary(self) -> list[Path]:
        return list(self.temporary.glob("nostrade-metrics-*"))

    def is_up(self) -> bool:
        return self.pid_file.exists() and bool(self.counts)

    def stop(self) -> None:
        for pid in running(self.folder):
            os.kill(pid, signal.SIGTERM)
        assert eventually(lambda: not running(self.folder))
        self.process.wait()


def running(folder: Path) -> list[int]:
    mark, found = f"NOSTRADE_DATA_DIR={folder}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nostrade-test-") as name:
        yield Path(name)


def test_one_that_is_killed_leaves_nothing_to_the_next(folder: Path) -> None:
    first = Gunicorn(folder)
    assert eventually(first.is_up)
    [left] = first.counts
    for pid in running(folder):
        os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: not running(folder))
    first.process.wait()
    first.pid_file.unlink()
    assert first.counts == [left]
    second = Gunicorn(folder)
    assert eventually(second.is_up)
    assert eventually(lambda: left not in second.counts and len(second.counts) == 1)
    second.stop()
    assert (second.counts, second.left_in_temporary) == ([], [])


def test_one_that_cannot_start_leaves_nothing(folder: Path) -> None:
    first = Gunicorn(folder)
    assert eventually(first.is_up)
    kept = first.counts
    second = Gunicorn(folder, first.port)
    assert second.process.wait(60) != 0
    assert first.counts == kept
    first.stop()
    assert (first.counts, first.left_in_temporary) == ([], [])


def test_an_upgrade_counts_in_a_folder_of_its_own(folder: Path) -> None:
    """The old master takes its own folder with it, and not that which the new one counts in."""
    old = Gunicorn(folder)
    assert eventually(old.is_up)
    [before] = old.counts
    os.kill(old.process.pid, signal.SIGUSR2)
    assert eventually(lambda: len(old.counts) == 2)
    os.kill(old.process.pid, signal.SIGTERM)
    assert eventually(lambda: old.process.poll() is not None)
    assert len(old.counts) == 1
    assert before not in old.counts
    old.stop()
    assert (old.counts, old.left_in_temporary) == ([], [])


def test_what_a_running_one_counts_in_is_left_alone(tmp_path: Path) -> None:
    held = claim(tmp_path)
    (tmp_path / "left").mkdir()
    assert claim(tmp_path) != held
    assert held.exists()
    assert not (tmp_path / "left").exists()
