"""Looks at an installation as it stands: what it has, what runs beside it, what it was told by settings.

Each examination returns one finding and changes nothing. What needs a part that is away is left out, so that
one outage is one finding.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.template.defaultfilters import pluralize
from django.utils import timezone
from redbeat.schedulers import RedBeatSchedulerEntry, ensure_conf
from redis import RedisError

from catalog.models import Item
from feedback.models import Event
from nostrade_site.broker_client import broker_client
from nostrade_site.celery import app
from nostrade_site.damage import damage
from nostrade_site.environment import LOCAL_NAMES, host_of
from nostrade_site.findings import Finding, fail, ok, warn
from nostrade_site.health import OK, broker_answers, database_state
from nostrade_site.models import Backup
from nostrade_site.scheduler import AHEAD
from recommender import storage
from recommender.models import Checkpoint, NotServable
from recommender.runs import dead_run

TIGHT_MB, LOW_MB = 200, 2_000  # below the first the site refuses to start; a retraining run needs the second
PATIENCE = 1.0  # seconds for the workers to answer
BEAT_TASK = "retrain-when-due"  # every five minutes
BEAT_SILENCE = timedelta(minutes=15)
SKEW = 30.0  # seconds between two clocks
QUEUES = {"celery": "worker", "train": "trainer"}


def examine() -> Iterator[Finding]:
    """Look at everything, and yield each finding as it is made."""
    yield from _all(folders, privacy, disk, static_files, secret_key, hosts, links, https, threads)
    yield (answer := database())
    if not answer.remedy:
        yield (schema := migrations())
        if not schema.remedy:
            yield from _all(catalogue, checkpoint, published, retraining, events_clock, backup)
    yield (answer := broker())
    if not answer.remedy:
        yield from _all(workers, beat, broker_clock)


def _all(*examinations: Callable[[], Finding]) -> Iterator[Finding]:
    for examination in examinations:
        yield examination()


# --- This machine ---------------------------------------------------------------------------------


def folders() -> Finding:
    named = {"NOSTRADE_DATA_DIR": settings.DATA_DIR, "CHECKPOINT_DIR": settings.CHECKPOINT_DIR}
    for name, folder in named.items():
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            advice = f"make it writable for the user who runs the site, or name another folder in {name}"
            return fail("folders", f"{folder} cannot be written ({error.strerror})", advice)
    return ok("folders", f"{settings.DATA_DIR} and {settings.CHECKPOINT_DIR} can be written")


def privacy() -> Finding:
    """Look for what other users of this machine could read: the data folder, and a database elsewhere."""
    kept = [Path(settings.DATA_DIR)]
    if connection.vendor == "sqlite":
        file = Path(str(connection.settings_dict["NAME"])).resolve()
        kept += [] if file.is_relative_to(kept[0]) else [file]
    for path in kept:
        if path.exists() and path.stat().st_mode & 0o077:
            advice = f"chmod go= {path}, as the user who runs the site"
            return fail("privacy", f"others can read {path}", advice)
    return ok("privacy", f"{settings.DATA_DIR} is for its owner alone")


def disk() -> Finding:
    free = min(shutil.disk_usage(path).free for path in (settings.DATA_DIR, tempfile.gettempdir())) // 2**20
    said = f"{free:,} MB free"
    if free < TIGHT_MB:
        return fail("disk", said, f"make room: the site needs {TIGHT_MB} MB to start")
    if free < LOW_MB:
        return warn("disk", said, f"make room: a retraining run may need {LOW_MB:,} MB")
    return ok("disk", said)


def static_files() -> Finding:
    if settings.DEBUG:
        return ok("static files", "served from where they lie, as DEBUG=1")
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if not manifest.exists():
        return fail("static files", f"none in {settings.STATIC_ROOT}", "run `python manage.py prepare`")
    return ok("static files", f"collected in {settings.STATIC_ROOT}")


def threads() -> Finding:
    cores = os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > cores:
        said = f"OMP_NUM_THREADS={asked} on {cores} cores"
        return warn("threads", said, "set it to 1 for web and worker, at most to the cores for the trainer")
    workers = os.environ.get("WEB_CONCURRENCY") or "2"
    if workers.isdigit() and int(workers) > 2 * cores + 1:
        said = f"WEB_CONCURRENCY={workers} on {cores} cores"
        return warn("threads", said, f"each worker holds a model in memory: {2 * cores + 1} are enough")
    return ok("threads", f"{workers} web workers on {cores} cores, one core a ranking")


# --- Settings that no check of Django's knows -------------------------------------------------------


def secret_key() -> Finding:
    key = settings.SECRET_KEY
    if key.startswith("django-insecure-") or len(key) < 32 or len(set(key)) < 5:
        advice = "set SECRET_KEY to 50 random characters: `openssl rand -base64 48`"
        return fail("secret key", "it can be guessed", f"{advice} (everybody has to log in again)")
    file = settings.DATA_DIR / "secret_key"
    if not os.environ.get("SECRET_KEY") and file.exists() and file.stat().st_mode & 0o077:
        return fail("secret key", f"others can read {file}", f"chmod 600 {file}")
    return ok("secret key", f"{len(key)} characters")


def hosts() -> Finding:
    own = set(LOCAL_NAMES)
    public = [host for host in settings.ALLOWED_HOSTS if host not in own]
    if "*" in public:
        advice = "name the hosts people use: with * a forged Host gets into links and mails"
        return fail("hosts", "ALLOWED_HOSTS=*", advice)
    if not public and settings.HOST not in {"127.0.0.1", "::1", "localhost"}:
        said = f"listens on {settings.HOST} and answers to this machine alone"
        return warn("hosts", said, "name what people type in ALLOWED_HOSTS")
    return ok("hosts", ", ".join(public) or "this machine alone")


def links() -> Finding:
    said = f"begin with {settings.SITE_URL}"
    if not set(settings.ALLOWED_HOSTS) - set(LOCAL_NAMES):
        return ok("links", said)
    if host_of(settings.SITE_URL) in LOCAL_NAMES:
        return fail("links", f"{said}, which leads nowhere", "set SITE_URL to what people type")
    if not os.environ.get("SITE_URL"):
        return warn("links", f"{said}, by ALLOWED_HOSTS", "set SITE_URL to what people type")
    return ok("links", said)


def https() -> Finding:
    own = set(LOCAL_NAMES)
    if settings.DEBUG and set(settings.ALLOWED_HOSTS) - own:
        return fail("https", "DEBUG=1 on a site with a name", "unset DEBUG: its pages show settings and code")
    if not settings.HTTPS and set(settings.ALLOWED_HOSTS) - own:
        advice = "put a proxy with TLS before a public site, and set HTTPS=1 and BEHIND_PROXY=1"
        return warn("https", "people reach it by plain HTTP", advice)
    if settings.HTTPS and not settings.BEHIND_PROXY:
        advice = "set BEHIND_PROXY=1 where a proxy speaks TLS, or every page redirects to itself"
        return warn("https", "HTTPS=1 without BEHIND_PROXY=1", advice)
    return ok("https", "on" if settings.HTTPS else "off, on this machine alone")


# --- The database and what lies in it ---------------------------------------------------------------


def database() -> Finding:
    if found := damage():
        return fail("database", "it is damaged", found)
    if (state := database_state()) != OK:
        return fail("database", state, "start it, and check DATABASE_URL")
    return ok("database", connection.vendor)


def migrations() -> Finding:
    executor = MigrationExecutor(connection)
    due = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if due:
        return fail("migrations", f"{len(due)} are due", "run `python manage.py prepare`")
    return ok("migrations", "all applied")


def catalogue() -> Finding:
    if not (titles := Item.objects.count()):
        return fail("catalogue", "it is empty", "run `python manage.py load_starter`, or `import_items`")
    return ok("catalogue", f"{titles:,} titles")


def checkpoint() -> Finding:
    active = Checkpoint.objects.active()
    if active is None:
        return fail("checkpoint", "none is active: popular titles are served", "run `manage.py load_starter`")
    try:
        active.load()
    except NotServable as error:
        advice = "run `python manage.py roll_back`, or bring its files back from a backup"
        return fail("checkpoint", f"{active} does not load: {error}", advice)
    age = (timezone.now() - active.created_at).days
    return ok("checkpoint", f"{active} loads, {age} day{pluralize(age)} old")


def published() -> Finding:
    active = Checkpoint.objects.active()
    if not settings.CHECKPOINT_STORAGE or active is None:
        return ok("storage", "CHECKPOINT_DIR alone, shared by every process of this site")
    try:
        there = storage.is_published(active.path)
    except storage.StorageError as error:
        return fail("storage", str(error), "check CHECKPOINT_STORAGE and its credentials")
    if not there:
        said = f"{active} is not in CHECKPOINT_STORAGE: other hosts cannot serve it"
        return fail("storage", said, f"run `python manage.py promote {active}` on the host that has it")
    return ok("storage", f"{active} is published")


def retraining() -> Finding:
    if (dead := dead_run()) is not None:
        advice = "start the trainer: it takes the run over within five minutes; its log says why it stopped"
        return warn("retraining", f"{dead} was left half-way", advice)
    going = Checkpoint.objects.filter(state=Checkpoint.State.TRAINING).first()
    return ok("retraining", f"{going} is going" if going else "no run is going")


def events_clock() -> Finding:
    newest = Event.objects.order_by("-timestamp").values_list("timestamp", flat=True).first()
    if newest and newest > timezone.now() + timedelta(seconds=SKEW):
        said = f"the newest reaction is of {newest:%Y-%m-%d %H:%M} UTC, which is yet to come"
        return warn("clock", said, "set this machine's clock (NTP): it was, or is, wrong")
    return ok("clock", f"{timezone.now():%Y-%m-%d %H:%M} UTC, later than all that was said")


def backup() -> Finding:
    advice = "run `python manage.py backup FILE.tar`, every night best; docs/deployment.md says what is in it"
    last = Backup.objects.first()
    if last is None:
        return warn("backup", "`manage.py backup` was never run here", advice)
    said = f"the last one is of {last.made_at:%Y-%m-%d %H:%M} UTC ({last})"
    return warn("backup", said, advice) if last.is_stale else ok("backup", said)


# --- The broker and who works for it ----------------------------------------------------------------


def broker() -> Finding:
    if not broker_answers():
        advice = "start it (`make run` has one of its own), and check REDIS_URL; pages go on without"
        return fail("broker", "does not answer", advice)
    return ok("broker", "answers")


def workers() -> Finding:
    answers = app.control.inspect(timeout=PATIENCE).active_queues() or {}
    served = {queue["name"] for queues in answers.values() for queue in queues}
    if missing := [name for queue, name in QUEUES.items() if queue not in served]:
        advice = "start them: docs/deployment.md has the commands; a busy one may be late, so ask again"
        return fail("workers", f"no answer from the {' and the '.join(missing)}", advice)
    return ok("workers", f"{len(answers)} answer")


def beat() -> Finding:
    ensure_conf(app)
    key = RedBeatSchedulerEntry.generate_key(app, BEAT_TASK)
    try:
        last = RedBeatSchedulerEntry.from_key(key, app=app).last_run_at
    except KeyError:
        last = None
    if last is None:
        return fail("beat", "it has never started a task", "start `celery -A nostrade_site beat`")
    if last > timezone.now() + AHEAD:
        said = f"it started a task at {last:%Y-%m-%d %H:%M} UTC, which is yet to come"
        advice = "set this machine's clock (NTP), and start beat again: it begins with what was put off"
        return fail("beat", said, advice)
    if timezone.now() - last > BEAT_SILENCE:
        return fail("beat", f"silent since {last:%Y-%m-%d %H:%M} UTC", "start `celery -A nostrade_site beat`")
    return ok("beat", f"started a task at {last:%H:%M} UTC")


def broker_clock() -> Finding:
    client = broker_client()
    try:
        seconds, _ = client.time()
    except (RedisError, OSError):
        return warn("broker's clock", "it was not told", "ask again")
    finally:
        client.close()
    skew = abs((datetime.now(UTC) - datetime.fromtimestamp(seconds, UTC)).total_seconds())
    if skew > SKEW:
        return warn("broker's clock", f"{skew:.0f} s from this machine's", "set both clocks (NTP)")
    return ok("broker's clock", "agrees with this machine's")
