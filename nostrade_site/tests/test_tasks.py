"""The site's background work, and that everything on the schedule exists."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
import redis
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from nostrade_site.broker import running_broker
from nostrade_site.celery import app
from nostrade_site.tasks import clear_sessions
from nostrade_site.tests.site import ROOT, eventually


@pytest.mark.django_db
def test_it_deletes_expired_sessions_alone():
    for key, days in (("old", -1), ("new", 1)):
        Session.objects.create(session_key=key, expire_date=timezone.now() + timedelta(days=days))
    clear_sessions()
    assert [session.session_key for session in Session.objects.all()] == ["new"]


def test_every_scheduled_task_exists():
    app.loader.import_default_modules()
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= set(app.tasks)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not count a process's memory this way")
def test_a_worker_is_held_to_its_memory():
    greedy = (
        "import django; django.setup()\n"
        "from nostrade_site.celery import bound_memory\n"
        "bound_memory()\n"
        "try:\n"
        "    bytearray(900 * 1024 * 1024)\n"
        "except MemoryError:\n"
        "    print('refused')\n"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE, "WORKER_MEMORY_MB": "800"}
    answer = subprocess.run(
        [sys.executable, "-c", greedy], env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout == "refused\n"


def test_the_scheduler_waits_for_a_broker_that_is_away(tmp_path_factory):
    folder = tmp_path_factory.mktemp("b")
    socket_path, log = folder / "broker" / "valkey.sock", folder / "log"
    mine = {"NOSTRADE_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "nostrade_site.settings"}
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "nostrade_site", "beat"]
    with log.open("wb") as output:
        beat = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | mine | {"REDIS_URL": ""}, stdout=output, stderr=output
        )
    try:
        assert eventually(lambda: "Retrying Redis connection" in log.read_text()), log.read_text()
        with running_broker(socket_path, folder / "broker"):
            client = redis.Redis(unix_socket_path=str(socket_path))
            assert eventually(lambda: client.exists("redbeat:retrain-nightly")), log.read_text()
            assert beat.poll() is None
    finally:
        beat.kill()  # asked to end, it would look for the broker once more, for as long as it takes
        beat.wait()
