"""`manage.py doctor` and the system checks."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from celery.schedules import schedule
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from catalog.models import Item
from feedback.models import Event
from nostrade_site import checks, doctor
from nostrade_site.celery import app
from nostrade_site.findings import Level
from nostrade_site.models import Backup
from recommender.models import Checkpoint

pytestmark = pytest.mark.usefixtures("own_ranker")


@pytest.mark.usefixtures("live", "broker")
def test_it_works() -> None:
    """A site without workers: all the rest is well, and the report says what to start."""
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json", stdout=out)
    report = json.loads(out.getvalue())
    levels = {finding["name"]: finding["level"] for finding in report["findings"]}
    assert ended.value.code == 1
    assert report["ok"] is False
    assert {name for name, level in levels.items() if level == "fail"} <= {"workers", "beat", "static files"}
    assert [levels[name] for name in ("workers", "beat")] == ["fail", "fail"]
    well = (
        "folders",
        "database",
        "migrations",
        "catalogue",
        "checkpoint",
        "broker",
        "clock",
        "broker's clock",
    )
    assert [levels[name] for name in well] == ["ok"] * len(well)
    assert all(finding["remedy"] for finding in report["findings"] if finding["level"] != "ok")


@pytest.mark.django_db
def test_people_get_lines_with_remedies(monkeypatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(doctor, "broker_answers", lambda: False)
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=out)
    text = out.getvalue()
    assert "fail  broker: does not answer\n      -> start it" in text
    assert "fail  catalogue: it is empty\n      -> run `python manage.py load_starter`" in text
    assert "  workers: " not in text  # nobody to ask: one outage is one finding


@pytest.mark.django_db
def test_without_a_database_the_rest_is_looked_at(monkeypatch, lost_database) -> None:
    monkeypatch.setattr(doctor, "broker_answers", lambda: False)
    lost_database()
    names = {finding.name: finding.level for finding in doctor.examine()}
    assert names["database"] is Level.FAIL
    assert "migrations" not in names
    assert names["folders"] is Level.OK


@pytest.mark.usefixtures("live")
def test_a_damaged_checkpoint_is_told(settings) -> None:
    assert doctor.checkpoint().level is Level.OK
    weights = Checkpoint.objects.active().path / "model.safetensors"
    next(Path(weights.parent).glob("*.safetensors")).write_bytes(b"nonsense")
    assert doctor.checkpoint().level is Level.FAIL
    Checkpoint.objects.all().delete()
    assert "none is active" in doctor.checkpoint().said


@pytest.mark.usefixtures("live")
def test_a_checkpoint_that_other_hosts_cannot_have_is_told(settings, tmp_path) -> None:
    settings.CHECKPOINT_STORAGE = f"file://{tmp_path}/shared"
    assert doctor.published().level is Level.FAIL
    Checkpoint.objects.active().publish()
    assert doctor.published().level is Level.OK


@pytest.mark.usefixtures("live")
def test_a_run_that_was_left_is_told() -> None:
    assert doctor.retraining().level is Level.OK
    long_ago = timezone.now() - timedelta(hours=1)
    Checkpoint.objects.create(version="half", state=Checkpoint.State.TRAINING, heartbeat_at=long_ago)
    assert doctor.retraining().level is Level.WARN
    Checkpoint.objects.filter(version="half").update(heartbeat_at=timezone.now(), holder="elsewhere:1")
    assert doctor.retraining().said == "half is going"


@pytest.mark.usefixtures("live")
def test_a_clock_that_was_set_back_is_told(ann) -> None:
    assert doctor.events_clock().level is Level.OK
    later = timezone.now() + timedelta(days=1)
    Event.objects.create(user=ann, item=Item.objects.first(), feedback_type=2, timestamp=later)
    assert doctor.events_clock().level is Level.WARN


@pytest.mark.django_db
def test_a_backup_that_is_old_or_was_never_made_is_told() -> None:
    assert doctor.backup().level is Level.WARN
    row = Backup.objects.create(path="/b/site.tar", n_bytes=7 * 2**20)
    assert (doctor.backup().level, "/b/site.tar, 7.0 MB" in doctor.backup().said) == (Level.OK, True)
    Backup.objects.filter(pk=row.pk).update(made_at=timezone.now() - timedelta(days=8))
    assert doctor.backup().level is Level.WARN
    Backup.objects.filter(pk=row.pk).update(made_at=timezone.now() + timedelta(days=8))  # by a wrong clock
    assert doctor.backup().level is Level.WARN


@pytest.mark.usefixtures("broker")
def test_beat_is_heard_by_what_it_started() -> None:
    assert doctor.beat().level is Level.FAIL
    task = "recommender.tasks.retrain_when_due"
    entry = doctor.RedBeatSchedulerEntry(doctor.BEAT_TASK, task, schedule(300, app=app), app=app)
    entry.save()
    try:
        entry.reschedule(timezone.now())
        assert doctor.beat().level is Level.OK
        entry.reschedule(timezone.now() - timedelta(hours=1))
        assert "silent since" in doctor.beat().said
    finally:
        entry.delete()


@pytest.mark.parametrize(
    ("examination", "told", "level"),
    [
        ("hosts", {"ALLOWED_HOSTS": ["*"]}, Level.FAIL),
        ("hosts", {"ALLOWED_HOSTS": ["localhost"], "HOST": "192.0.2.1"}, Level.WARN),
        ("hosts", {"ALLOWED_HOSTS": ["anime.example"], "HOST": "192.0.2.1"}, Level.OK),
        ("https", {"ALLOWED_HOSTS": ["anime.example"], "HTTPS": False}, Level.WARN),
        ("https", {"ALLOWED_HOSTS": ["anime.example"], "HTTPS": True, "BEHIND_PROXY": False}, Level.WARN),
        ("https", {"ALLOWED_HOSTS": ["anime.example"], "HTTPS": True, "BEHIND_PROXY": True}, Level.OK),
        ("https", {"ALLOWED_HOSTS": ["anime.example"], "DEBUG": True}, Level.FAIL),
        ("links", {"ALLOWED_HOSTS": ["anime.example"], "SITE_URL": "http://localhost:8000"}, Level.FAIL),
        ("links", {"ALLOWED_HOSTS": ["anime.example"], "SITE_URL": "https://anime.example"}, Level.WARN),
        ("links", {"ALLOWED_HOSTS": ["localhost"], "SITE_URL": "http://localhost:8000"}, Level.OK),
        ("secret_key", {"SECRET_KEY": "change-me"}, Level.FAIL),
        ("static_files", {"STATIC_ROOT": "/nowhere/at/all"}, Level.FAIL),
    ],
)
def test_settings_that_are_not_safe_are_told(settings, examination, told, level) -> None:
    for name, value in told.items():
        setattr(settings, name, value)
    assert getattr(doctor, examination)().level is level


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the database is no file")
def test_what_others_can_read_is_told(settings, tmp_path, monkeypatch) -> None:
    settings.DATA_DIR = tmp_path / "var"
    settings.DATA_DIR.mkdir(mode=0o700)
    assert doctor.privacy().level is Level.OK
    settings.DATA_DIR.chmod(0o750)
    found = doctor.privacy()
    assert (found.level, found.remedy.startswith(f"chmod go= {settings.DATA_DIR}")) == (Level.FAIL, True)
    settings.DATA_DIR.chmod(0o700)
    elsewhere = tmp_path / "db.sqlite3"
    elsewhere.touch()
    elsewhere.chmod(0o644)
    monkeypatch.setitem(connection.settings_dict, "NAME", str(elsewhere))
    assert str(elsewhere) in doctor.privacy().said


def test_a_full_disk_is_told(monkeypatch) -> None:
    for megabytes, level in ((100, Level.FAIL), (1_000, Level.WARN), (10_000, Level.OK)):
        usage = type("Usage", (), {"free": megabytes * 2**20})
        monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _, usage=usage: usage)
        assert doctor.disk().level is level


def test_a_folder_that_cannot_be_written_is_told(settings, tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings.CHECKPOINT_DIR = tmp_path / "file" / "checkpoints"
    assert "CHECKPOINT_DIR" in doctor.folders().remedy


CONSOLE = "django.core.mail.backends.console.EmailBackend"


@pytest.mark.parametrize(
    ("told", "ids"),
    [
        ({}, []),
        ({"CHECKPOINT_DIR": "/srv/static/checkpoints", "STATIC_ROOT": "/srv/static"}, ["nostrade.E001"]),
        (
            {"BEHIND_PROXY": True, "HTTPS": False, "ALLOWED_HOSTS": ["anime.example"]},
            ["nostrade.W001", "nostrade.W010"],
        ),
        ({"HTTPS": True, "CSRF_TRUSTED_ORIGINS": ["http://anime.example"]}, ["nostrade.W002"]),
        ({"RATINGS_CSV": "/nowhere.csv"}, ["nostrade.W003"]),
        ({"DEBUG": True, "ALLOWED_HOSTS": ["anime.example"]}, ["nostrade.W004", "nostrade.W010"]),
        ({"HTTPS": True, "CORS_ALLOWED_ORIGINS": ["http://app.example"]}, ["nostrade.W002"]),
        ({"METRICS_TOKEN": "abababababababab"}, ["nostrade.W005"]),
        ({"METRICS_TOKEN": "0123456789abcdef"}, []),
        ({"REDIS_URL": "redis://host:6379/0"}, ["nostrade.W006"]),
        ({"ALLOWED_HOSTS": ["anime.example"], "EMAIL_BACKEND": CONSOLE}, ["nostrade.W007", "nostrade.W010"]),
        ({"ALLOWED_HOSTS": ["localhost"], "EMAIL_BACKEND": CONSOLE}, []),
        ({"POSTER_HOSTS": ["*"]}, ["nostrade.W008"]),
        ({"ALLOWED_HOSTS": ["*"]}, ["nostrade.W009", "nostrade.W010"]),
    ],
)
def test_settings_that_do_not_go_together_have_an_id_and_a_hint(settings, monkeypatch, told, ids) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    settings.REDIS_URL, settings.ALLOWED_HOSTS = "", ["localhost"]
    for name, value in told.items():
        setattr(settings, name, value)
    found = [
        message
        for check in (
            checks.private_folders,
            checks.https,
            checks.ratings,
            checks.debug,
            checks.secrets,
            checks.strangers,
            checks.links,
        )
        for message in check()
    ]
    assert [message.id for message in found] == ids
    assert all(message.hint for message in found)
