"""The whole site beside a part that is full, frozen or locked: it serves on, says so, and recovers."""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from nostrade_site.tests import engines
from nostrade_site.tests.site import ROOT, Site, eventually, free_port

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="finds its processes in /proc"),
    pytest.mark.skipif(
        bool(settings.REDIS_URL or os.environ.get("DATABASE_URL")), reason="breaks servers of its own"
    ),
]
HANGS = 30.0  # seconds, after which what should answer within one is taken to hang
TOKEN = (
    "from django.contrib.auth.models import User; from nostrade_site.tokens.models import ApiToken; "
    "user = User.objects.create(username='ann'); print(ApiToken(reads=True, writes=True).issue(user))"
)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of its own, to be filled; only root may mount one."""
    folder = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=700m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def site(disk: Path) -> Iterator[Site]:
    site = Site(disk / "var", free_port())
    # The log is not what fills up.
    site.log_path = Path(f"{disk}.log")
    site.environ |= {"API_WRITE_RATE": "100000/min", "API_READ_RATE": "100000/min", "WEB_CONCURRENCY": "1"}
    site.start().wait_until_ready()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def token(site: Site) -> str:
    return site.shell(TOKEN)


def health(site: Site, path: str = "/healthz") -> tuple[int, dict[str, object]]:
    status, body = site.get(path)
    return status, json.loads(body)


def is_well(site: Site) -> bool:
    status, report = health(site, "/readyz")
    return status == 200 and report["programs"] == "ok" and health(site)[1]["status"] == "ok"


def react(site: Site, token: str, word: str = "love") -> tuple[int, str]:
    """Log a reaction by the API; return how that was answered."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{site.port}/api/v1/events/",
        json.dumps({"anime_id": 1, "feedback_type": word}).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=HANGS) as response:  # noqa: S310
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def upload(site: Site, rows: int) -> str:
    """Bring a list of so many rows as a visitor; return the page that it leads to."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    address = f"http://127.0.0.1:{site.port}/lists/import/"
    page = browser.open(address, timeout=HANGS).read().decode()
    csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    table = "title,score\n" + "".join(f"Title {number},8\n" for number in range(rows))
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{csrf}\r\n',
        f'--x\r\nContent-Disposition: form-data; name="list"; filename="l.csv"\r\n\r\n{table}\r\n--x--\r\n',
    ]
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Referer": address}
    request = urllib.request.Request(address, "".join(parts).encode(), headers)
    return browser.open(request, timeout=HANGS).read().decode()


def fill(disk: Path) -> Path:
    """Leave not one page free."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096 * 256))
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return filler


def test_a_full_disk_is_said_and_ends_nothing(site: Site, disk: Path, token: str) -> None:
    assert eventually(lambda: is_well(site)), health(site, "/readyz")
    beats = site.processes("nostrade_site beat")
    filler = fill(disk)
    try:
        for _ in range(2):
            for word in ("worker@", "nostrade_site beat", "valkey-server"):
                for pid in site.processes(word):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(3)
        assert eventually(lambda: "disk" in health(site, "/readyz")[1]["missing"]), health(site, "/readyz")
        status, report = health(site, "/readyz")
        assert (status, report["disk"]) == (503, "no space left on NOSTRADE_DATA_DIR")
        status, report = health(site)
        assert (status, report["status"], report["database"]) == (200, "degraded", "ok")
        assert site.get("/")[0] == 200
        answered = [react(site, token, word) for word in ("like", "love") * 50]
        refused = [body for status, body in answered if status == 503]
        assert {status for status, _ in answered} <= {201, 503}
        assert all("disk is full" in body for body in refused), refused[:3]
        assert refused, "the disk was not full"
        assert site.process.poll() is None, site.log
    finally:
        filler.unlink()
    assert eventually(lambda: is_well(site)), health(site, "/readyz")
    assert react(site, token, "dislike")[0] == 201
    assert set(site.processes("nostrade_site beat")) != set(beats)


def test_a_frozen_broker_keeps_nobody_waiting_and_its_workers_go_on(site: Site, token: str) -> None:
    assert eventually(lambda: is_well(site)), health(site, "/readyz")
    [broker] = site.processes("valkey-server")
    os.kill(broker, signal.SIGSTOP)
    try:
        began = time.monotonic()
        page = upload(site, 1200)  # matched at once, as without a broker
        assert "1,200" in page, page
        uploaded = time.monotonic()
        for _ in range(10):
            assert site.get("/")[0] == 200
            assert react(site, token)[0] == 201
        each = (time.monotonic() - uploaded) / 20
        print(f"uploaded in {uploaded - began:.1f} s, then {each:.2f} s a request")  # noqa: T201
        status, report = health(site)
        assert (status, report["status"]) == (200, "degraded")
        assert "does not answer" in report["broker"]
        doctor = [sys.executable, "manage.py", "doctor", "--json"]
        answer = subprocess.run(
            doctor, cwd=ROOT, env=site.environ, capture_output=True, timeout=4 * HANGS, check=False
        )
        assert b'"broker", "level": "fail"' in answer.stdout
        time.sleep(10)  # long enough for workers and scheduler to notice
    finally:
        os.kill(broker, signal.SIGCONT)
    assert eventually(lambda: is_well(site)), health(site, "/readyz")
    guests = (
        "from django.contrib.auth.models import User; guests = User.objects.filter(username='guest-old'); "
    )
    make = (
        "import datetime; joined = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC); "
        "guest = User(username='guest-old', date_joined=joined); guest.set_unusable_password(); "
        "guest.save(); "
        "from feedback.tasks import prune_guests; prune_guests.delay()"
    )
    site.shell(guests + make)
    assert eventually(lambda: site.shell(guests + "print(guests.count())") == "0", 180), site.log


def test_a_long_write_lock_leaves_threads_to_readers_and_health(site: Site, token: str) -> None:
    database = sqlite3.connect(site.folder / "db.sqlite3", timeout=30, isolation_level=None)
    answered: list[int] = []
    crowd = [
        threading.Thread(target=lambda word=word: answered.append(react(site, token, word)[0]), daemon=True)
        for word in ("like", "dislike") * 12
    ]
    with contextlib.closing(database):
        database.execute("BEGIN EXCLUSIVE")
        for thread in crowd:
            thread.start()
        assert eventually(lambda: answered.count(503) >= 3), answered
        began = time.monotonic()
        for _ in range(10):
            assert health(site)[0] == 200
        each = (time.monotonic() - began) / 10
        print(f"{each:.2f} s a health check")  # noqa: T201
        assert each < 5, "health waits for the lock"  # it once waited 19 s for each
        assert site.get("/")[0] == 200  # who reads is served
        database.rollback()
    for thread in crowd:
        thread.join(HANGS)
    assert set(answered) <= {201, 503}
    assert 201 in answered
    assert react(site, token)[0] == 201


def test_a_frozen_postgresql_does_not_hang_health(tmp_path: Path) -> None:
    binaries = engines._postgres_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server here (apt-get install postgresql)")
    with engines._postgres(binaries) as url:
        site = Site(tmp_path / "var", free_port())
        site.environ |= {"DATABASE_URL": url, "WEB_CONCURRENCY": "1"}
        site.start().wait_until_ready()
        folder = urllib.parse.urlsplit(url).path.removesuffix("/nostrade")[1:]
        postmaster = int(Path(f"/{folder.lstrip('/')}/data/postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children")
        servers = [postmaster, *map(int, children.read_text().split())]
        try:
            assert site.get("/")[0] == 200
            for pid in servers:
                os.kill(pid, signal.SIGSTOP)
            crowd = [threading.Thread(target=_tried, args=[site], daemon=True) for _ in range(12)]
            for thread in crowd:
                thread.start()
            time.sleep(3)
            began = time.monotonic()
            for _ in range(5):
                status, report = health(site)
                assert (status, report["database"]) == (503, "does not answer")
            print(f"{(time.monotonic() - began) / 5:.2f} s a health check")  # noqa: T201
        finally:
            for pid in servers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        assert eventually(lambda: health(site)[0] == 200), site.log
        assert eventually(lambda: site.get("/")[0] == 200), site.log
        site.stop()


def _tried(site: Site) -> None:
    with contextlib.suppress(OSError):
        site.get("/")
