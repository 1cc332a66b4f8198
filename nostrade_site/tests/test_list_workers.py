"""Long lists in a real worker beside the real broker: hostile ones, and a worker that is killed."""

from __future__ import annotations

import contextlib
import gzip
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedback.lists.importing import MOST_ATTEMPTS
from feedback.lists.reading import SHORT
from nostrade_site.broker import running_broker
from nostrade_site.tests.site import ROOT, eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds its processes in /proc")


class Worker:
    """A real worker beside a real broker and a database of their own, and what people send to the site."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        mine = {"NOSTRADE_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "nostrade_site.settings"}
        self.environ = os.environ | mine | {"DATABASE_URL": "", "REDIS_URL": "", "OMP_NUM_THREADS": "1"}

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        outcome = subprocess.run(
            command, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False
        )
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout.strip()

    def shell(self, code: str) -> str:
        return self.manage("shell", "--no-imports", "-c", code)

    def upload(self, *files: bytes) -> list[int]:
        """Send each file as a person of its own."""
        for number, data in enumerate(files):
            (self.folder / f"{number}.gz").write_bytes(gzip.compress(data, 1))
        return [int(pk) for pk in self.shell(SEND.format(folder=self.folder, count=len(files))).split()]

    def state(self, pk: int) -> list[object]:
        """Ask the database itself: it must not be the site that says what the site has stored."""
        look = "SELECT state, file IS NOT NULL, attempts, sentence FROM feedback_listimport WHERE id = ?"
        with contextlib.closing(sqlite3.connect(self.folder / "db.sqlite3", timeout=30)) as connection:
            return list(connection.execute(look, [pk]).fetchone())

    def reading(self) -> list[int]:
        """Return the processes that read a list now."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                line, environ = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
            except OSError:  # it ended meanwhile, or is another user's
                continue
            if b"read_list" in line and f"NOSTRADE_DATA_DIR={self.folder}".encode() in environ.split(b"\0"):
                found.append(int(folder.name))
        return found


SEND = """
from django.test import Client
from django.core.files.uploadedfile import SimpleUploadedFile
from pathlib import Path
for number in range({count}):
    data = Path("{folder}", str(number) + ".gz").read_bytes()
    form = {{"list": SimpleUploadedFile("a.gz", data)}}
    answer = Client(HTTP_HOST="localhost").post("/lists/import/", form)
    assert answer.status_code == 303, answer.content
    print(answer["Location"].split("/")[-2])
"""
LET_TIME_PASS = """
from datetime import timedelta
from django.utils import timezone
from feedback.models import ListImport
from feedback.tasks import carry_on_forgotten_lists
ago = timezone.now() - timedelta(minutes=5)
ListImport.objects.filter(pk={pk}).update(read_until=ago, touched_at=ago)
carry_on_forgotten_lists.delay()
"""


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    worker = Worker(tmp_path_factory.mktemp("w"))
    worker.manage("migrate", "--verbosity", "0")
    command = [
        sys.executable,
        "-m",
        "celery",
        "--quiet",
        "-A",
        "nostrade_site",
        "worker",
        "--concurrency",
        "2",
    ]
    with running_broker(worker.folder / "broker" / "valkey.sock", worker.folder / "broker"):
        process = subprocess.Popen(command, cwd=ROOT, env=worker.environ)
        try:
            yield worker
        finally:
            process.terminate()
            process.wait(60)


# Some seconds of work, so that there is a middle to be killed in.
ANIME = b"<anime><series_title>Monster</series_title><my_tags>" + b"t," * 900 + b"</my_tags></anime>"
HOSTILE = b"<myanimelist><anime><my_tags>" + b"t" * (60 << 20)
SLOW = b"<myanimelist>" + ANIME * 12_000 + b"</myanimelist>"


def test_a_hostile_file_ends_refused_while_others_are_read(worker: Worker) -> None:
    hostile, cramped, long = worker.upload(
        HOSTILE, b"<myanimelist><a " + b"b='' " * 5_000_000, b"title\nTrigun\n" + b"\n" * SHORT
    )
    assert eventually(lambda: worker.state(long)[0] == "ready")
    for pk in (hostile, cramped):
        assert eventually(lambda pk=pk: worker.state(pk)[:2] == ["refused", False])
    assert "breaks off" in worker.state(hostile)[3]
    assert "goes on for too long" in worker.state(cramped)[3]


def test_a_worker_killed_while_it_reads_loses_nothing(worker: Worker) -> None:
    [pk] = worker.upload(SLOW)
    assert eventually(worker.reading)
    for child in worker.reading():
        parent = int(Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(parent, signal.SIGKILL)  # the worker's process
        os.kill(child, signal.SIGKILL)
    assert eventually(lambda: not worker.reading())
    assert worker.state(pk)[:3] == ["reading", True, 1]
    worker.shell(LET_TIME_PASS.format(pk=pk))
    assert eventually(lambda: worker.state(pk)[:3] == ["ready", False, 2])


def test_a_file_that_always_ends_its_reader_is_given_up(worker: Worker) -> None:
    [pk] = worker.upload(SLOW)

    def killed() -> bool:
        for child in worker.reading():
            os.kill(child, signal.SIGKILL)
        return False

    assert eventually(lambda: killed() or worker.state(pk)[0] == "refused")
    assert worker.state(pk)[1:3] == [False, MOST_ATTEMPTS + 1]
    assert "interrupted 3 times" in worker.state(pk)[3]
