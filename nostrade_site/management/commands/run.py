"""`manage.py run`: the whole site under one supervisor, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from nostrade_site import broker, preflight
from nostrade_site.environment import in_url
from nostrade_site.probe import Probe
from nostrade_site.supervisor import Program, SiteError, Supervisor

ONE_THREAD = {"OMP_NUM_THREADS": "1"}
# Whatever a run has taken is given back at its end.
ONE_RUN_A_PROCESS = ("--concurrency", "1", "--max-tasks-per-child", "1")
TRAINER_MEMORY_MB = "6144"
CELERY = (sys.executable, "-m", "celery", "--quiet", "-A", "nostrade_site")


class Command(BaseCommand):
    help = "Start the site: broker, web server, workers and scheduler. HOST and PORT choose the address."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with (
                preflight.lock(settings.DATA_DIR),
                Supervisor(as_json=settings.LOG_FORMAT == "json") as supervisor,
            ):
                preflight.check_disk(settings.DATA_DIR)
                preflight.check_address(settings.HOST, settings.PORT)
                _start(supervisor)
                supervisor.keep()
                supervisor.say("stopping")
        except SiteError as error:
            print(f"nostrade: {error}", file=sys.stderr)  # noqa: T201 - the last line of the log
            sys.exit(error.status)


def _start(supervisor: Supervisor) -> None:
    started = time.monotonic()
    if path := settings.EMBEDDED_BROKER_SOCKET:
        program = Program("broker", broker.command(path, settings.DATA_DIR / "broker"))
        supervisor.start(program, ready=lambda pid: broker.answers(path, pid))
    supervisor.run_once(Program("prepare", (sys.executable, "manage.py", "prepare")))
    web, *others = programs()
    # First alone: the sooner people get a page, the better.
    probe = Probe(settings.HOST, settings.PORT)
    supervisor.start(web, ready=lambda _: probe.answers())
    if not supervisor.stopping:
        supervisor.say(f"ready after {time.monotonic() - started:.0f} s: open {_address()}/")
    for program in others:
        supervisor.start(program)


def _address() -> str:
    """Return what to open: by this machine's name, unless the site has one that people use."""
    if settings.IS_PUBLIC:
        return str(settings.SITE_URL)
    here = settings.HOST in {"127.0.0.1", "0.0.0.0", "::"}  # noqa: S104
    return f"http://{'localhost' if here else in_url(settings.HOST)}:{settings.PORT}"


def programs() -> list[Program]:
    """Return what runs besides the broker."""
    web = ("-m", "gunicorn", "-c", "python:nostrade_site.gunicorn", "nostrade_site.wsgi")
    worker = (*CELERY, "worker", "--hostname", "worker@%h", "--concurrency", "2")
    trainer = (*CELERY, "worker", "--hostname", "trainer@%h", "--queues", "train", *ONE_RUN_A_PROCESS)
    return [
        Program("web", (sys.executable, *web), ONE_THREAD, vital=True, shares_board=True),
        Program("worker", worker, ONE_THREAD),
        # Training may use all cores, behind the site; stopped, it hands its task back instead of finishing.
        Program("trainer", trainer, trainer_limits(), signal.SIGQUIT, niceness=10),
        Program("beat", (*CELERY, "beat")),
    ]


def trainer_limits() -> dict[str, str]:
    """Return the trainer's environment: bounded, unless the operator bounds it otherwise."""
    return {"WORKER_MEMORY_MB": os.environ.get("WORKER_MEMORY_MB", TRAINER_MEMORY_MB)}
