"""`manage.py run`, the whole site with every real process; slow, and worth it."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import quote

import pytest
from django.conf import settings

from nostrade_site import broker, damage
from nostrade_site.tests.site import START, Site, eventually, free_port
from recommender.controls import LONGEST_VIEW

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="finds its processes in /proc"),
]
EMBEDDED = not settings.REDIS_URL


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site") / "var", free_port()).start().wait_until_ready()
    yield site
    site.stop()


def refusal(site: Site) -> str:
    """Start a site that must refuse; return its one sentence."""
    assert site.start().process.wait(START) == 1, site.log
    assert len(site.log.splitlines()) == 1, site.log
    return site.log.strip()


def test_it_serves_pages_and_reports_health(site):
    status, body = site.get("/healthz")
    assert (status, json.loads(body)["database"], json.loads(body)["broker"]) == (200, "ok", "ok")
    status, page = site.get("/")
    assert status == 200
    assert "<title>" in page
    assert f"open http://localhost:{site.port}/" in site.log


def test_a_connection_outlives_a_pause(site):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=START)) as connection:
        connection.auto_open = 0
        connection.connect()
        for _ in range(2):
            connection.request("GET", "/healthz")
            assert connection.getresponse().read()
            time.sleep(3)


def test_the_longest_address_of_the_feed_is_answered_also_quoted_in_another(site):
    view = "/?in=" + "%" * LONGEST_VIEW  # of which quoting makes three of each
    assert site.get(view)[0] == 200
    assert site.get(f"/accounts/login/?next={quote(view, safe='')}")[0] == 200


def test_static_files_are_hashed_compressed_and_served(site):
    manifest = json.loads((site.folder / "static" / "staticfiles.json").read_text())["paths"]
    name = next(path for path in manifest.values() if path.endswith(".css"))
    assert site.get(f"/static/{name}")[0] == 200
    assert (site.folder / "static" / f"{name}.gz").exists()


def test_every_process_runs(site):
    words = ["gunicorn", "worker@", "trainer@", "nostrade_site beat"] + ["valkey-server"] * EMBEDDED
    assert eventually(lambda: all(site.processes(word) for word in words)), site.log


def test_a_task_travels_through_the_broker_to_the_worker(site):
    users = (
        "from django.contrib.auth.models import User; "
        "guests = User.objects.filter(username='guest-of-long-ago'); "
    )
    make = (
        "import datetime; joined = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC); "
        "guest = User(username='guest-of-long-ago', date_joined=joined); "
        "guest.set_unusable_password(); guest.save(); print(guests.count()); "
        "from feedback.tasks import prune_guests; prune_guests.delay()"
    )
    assert site.shell(users + make) == "1"
    assert eventually(lambda: site.shell(users + "print(guests.count())") == "0"), site.log


def test_a_second_site_on_the_same_folder_is_refused(site, tmp_path):
    second = Site(site.folder, free_port())
    second.log_path = tmp_path / "second.log"
    assert refusal(second).startswith(f"nostrade: the site already runs on {site.folder}: ")
    assert site.get("/healthz")[0] == 200


def test_a_taken_port_is_refused(site, tmp_path):
    sentence = refusal(Site(tmp_path / "other", site.port))
    assert sentence.startswith(f"nostrade: port {site.port} is taken: ")
    assert f"PORT={site.port + 1} make run" in sentence


def test_a_killed_web_server_comes_back(site):
    [master, *_] = site.processes("gunicorn")
    os.kill(master, signal.SIGKILL)
    assert eventually(lambda: "web ended (killed by SIGKILL); it starts again" in site.log)

    def answers() -> bool:
        try:
            return site.get("/healthz")[0] == 200
        except OSError:
            return False

    assert eventually(answers), site.log


@pytest.mark.skipif(not EMBEDDED, reason="REDIS_URL names a broker that is not ours to kill")
def test_a_killed_broker_comes_back(site):
    [server] = site.processes("valkey-server")
    os.kill(server, signal.SIGKILL)
    assert eventually(lambda: site.processes("valkey-server") not in ([], [server])), site.log
    assert eventually(lambda: json.loads(site.get("/healthz")[1])["broker"] == "ok"), site.log


# The tests below end the site; they run last, and in this order.


def test_ctrl_c_stops_everything(site):
    assert site.stop(signal.SIGINT) == 0, site.log
    assert site.processes() == []
    assert "Traceback" not in site.log.partition("| stopping")[2], site.log


def test_later_starts_do_not_repeat_the_work(site):
    site.start().wait_until_ready()
    assert "Applying" not in site.log
    assert "static files copied" not in site.log


def test_a_killed_supervisor_leaves_nothing_that_blocks_the_next(site):
    site.process.kill()
    site.process.wait()
    # The web server gives open connections eight seconds, and all of it may take longer on a busy machine.
    assert eventually(lambda: site.processes() == []), site.log
    site.start().wait_until_ready()
    assert site.get("/healthz")[0] == 200
    assert site.stop(signal.SIGTERM) == 0
    assert site.processes() == []


@pytest.mark.skipif(not EMBEDDED, reason="REDIS_URL names another broker")
def test_an_orphan_broker_makes_room(site):
    socket_path = site.folder / "broker" / "valkey.sock"
    orphan = subprocess.Popen(broker.command(socket_path, site.folder / "broker"))
    assert eventually(lambda: broker.answers(socket_path, orphan.pid))
    site.start().wait_until_ready()
    assert orphan.wait(START) == 0
    assert json.loads(site.get("/healthz")[1])["broker"] == "ok"


def test_a_failed_preparation_stops_the_start_with_a_sentence(tmp_path):
    site = Site(tmp_path / "var", free_port())
    site.folder.joinpath("db.sqlite3").write_text("this is no database " * 100)
    site.environ["DATABASE_URL"] = ""
    assert site.start().process.wait(START) == damage.STATUS
    assert site.log.splitlines()[-1] == "nostrade: prepare failed (exit code 65): its lines above say why."
    assert f"The database {site.folder}/db.sqlite3 is damaged (file is not a database)." in site.log
    assert "manage.py restore BACKUP.tar" in site.log
    assert "Traceback" not in site.log
    assert site.processes() == []


def test_a_listener_on_all_addresses_is_noticed(tmp_path):
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104
        assert "is taken" in refusal(Site(tmp_path / "var", server.getsockname()[1]))
