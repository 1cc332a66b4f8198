"""/metrics: for who has the token, and what it says."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from celery import shared_task
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog.models import Item
from feedback.models import Event, FeedbackType
from feedback.tests.lists import upload
from nostrade_site import task_metrics
from nostrade_site.tests.site import ROOT

pytestmark = pytest.mark.usefixtures("own_ranker")

METRICS = reverse("metrics")
TOKEN = "a-token-for-tests-only"


@pytest.fixture
def token(settings) -> dict[str, str]:
    settings.METRICS_TOKEN = TOKEN
    return {"Authorization": f"Bearer {TOKEN}"}


def value(text: str, series: str) -> float:
    found = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(f"{series} ")]
    return float(found[0]) if found else 0.0


@pytest.mark.usefixtures("live", "broker")
def test_it_works(client: Client, ann: User, token, django_capture_on_commit_callbacks) -> None:
    before = client.get(METRICS, headers=token).content.decode()
    client.force_login(ann)
    with django_capture_on_commit_callbacks(execute=True):
        event = Event.objects.record(ann, Item.objects.get(pk=1), FeedbackType.LOVE)
        Event.objects.record(ann, Item.objects.get(pk=1), FeedbackType.LOVE)  # stands already
        Event.objects.undo(event)
        Event.objects.record(ann, Item.objects.get(pk=2), FeedbackType.LIKE)
    assert client.get(reverse("recommender:feed")).status_code == 200
    response = client.get(METRICS, headers=token)
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    assert "no-store" in response.headers["Cache-Control"]
    text = response.content.decode()
    grown = {
        'nostrade_reactions_total{type="love"}': 1,
        'nostrade_reactions_total{type="like"}': 1,
        'nostrade_reactions_total{type="retracted"}': 1,
        'nostrade_request_seconds_count{route="recommender:feed",status="200"}': 1,
    }
    assert {name: value(text, name) - value(before, name) for name in grown} == grown
    assert value(text, "nostrade_ranking_seconds_count") > value(before, "nostrade_ranking_seconds_count")
    assert value(text, 'nostrade_checkpoint_info{version="first"}') == 1
    assert value(text, "nostrade_checkpoint_age_seconds") > 0
    assert value(text, 'nostrade_up{part="broker"}') == value(text, 'nostrade_up{part="database"}') == 1
    assert 'nostrade_queue_depth{queue="train"}' in text


@pytest.mark.usefixtures("live", "broker")
def test_an_address_makes_no_series_of_its_own(client: Client, token) -> None:
    client.get("/nothing/here/nobody-linked-this/")
    text = client.get(METRICS, headers=token).content.decode()
    assert value(text, 'nostrade_request_seconds_count{route="none",status="404"}') >= 1
    assert "nobody-linked-this" not in text


@pytest.mark.usefixtures("db")
def test_it_is_off_by_default(client: Client) -> None:
    assert client.get(METRICS).status_code == 404
    assert client.get(METRICS, headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.usefixtures("db", "token")
@pytest.mark.parametrize(
    "sent", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"]
)
def test_it_is_for_who_has_the_token(client: Client, sent: str) -> None:
    response = client.get(METRICS, headers={"Authorization": sent})
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert b"nostrade_" not in response.content


@pytest.mark.usefixtures("live")
def test_a_silent_broker_is_a_figure(client: Client, token, settings, tmp_path) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"
    response = client.get(METRICS, headers=token)
    assert value(response.content.decode(), 'nostrade_up{part="broker"}') == 0
    assert 'nostrade_up{part="broker"} 0.0' in response.content.decode()


def test_what_waits_and_what_is_lost_is_counted(client: Client, ann, live, log, token, monkeypatch) -> None:
    Event.objects.record(ann, Item.objects.get(pk=1), FeedbackType.LOVE)
    client.force_login(ann)
    before = client.get(METRICS, headers=token).content.decode()
    monkeypatch.setattr("recommender.impressions.MAX_WAITING", 1)
    for _ in range(2):
        client.get(reverse("recommender:feed"))
    text = client.get(METRICS, headers=token).content.decode()
    lost = "nostrade_impression_pages_lost_total"
    assert value(text, "nostrade_impression_pages_waiting") == 1
    assert value(text, lost) - value(before, lost) == 1


def test_processes_are_added_up(tmp_path) -> None:
    """Two processes count into one folder; a third that asks finds both."""
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    count = "from feedback.metrics import REACTIONS; REACTIONS.labels('love').inc()"
    ask = (
        "import django; django.setup()\n"
        "from nostrade_site.metrics import _processes, generate_latest\n"
        "print(generate_latest(_processes()).decode())"
    )
    run = {"cwd": ROOT, "env": environ | {"DJANGO_SETTINGS_MODULE": "nostrade_site.tests.settings"}}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", count], check=True, **run)
    told = subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, text=True, **run)
    assert 'nostrade_reactions_total{type="love"} 2.0' in told.stdout


@shared_task
def measured(breaks: bool) -> None:
    """End well, or not."""
    if breaks:
        raise ZeroDivisionError


@pytest.mark.usefixtures("live", "broker")
def test_tasks_are_counted_by_how_they_end(client: Client, token) -> None:
    task = f"{__name__}.measured"
    names = {
        state: f'nostrade_task_seconds_count{{state="{state}",task="{task}"}}'
        for state in ("success", "failure")
    }
    before = client.get(METRICS, headers=token).content.decode()
    for breaks in (False, False, True):
        measured.apply(args=[breaks])
    text = client.get(METRICS, headers=token).content.decode()
    grown = {state: value(text, name) - value(before, name) for state, name in names.items()}
    assert grown == {"success": 2, "failure": 1}
    buckets = [line for line in text.splitlines() if "nostrade_task_seconds_bucket" in line and task in line]
    assert len(buckets) == 2 * (len(task_metrics.BOUNDS) + 1)
    assert value(text, f'nostrade_task_seconds_sum{{state="success",task="{task}"}}') > 0


def test_a_task_that_cannot_be_counted_runs_all_the_same(settings, tmp_path, caplog) -> None:
    settings.METRICS_TOKEN, settings.REDIS_URL = TOKEN, f"unix://{tmp_path}/nobody.sock?db=0"
    assert measured.apply(args=[False]).successful()
    assert "was not counted" in caplog.text
    settings.METRICS_TOKEN = ""
    caplog.clear()
    measured.apply(args=[False])
    assert "counted" not in caplog.text


@pytest.mark.usefixtures("live", "broker")
def test_lists_are_counted(client: Client, token) -> None:
    before = client.get(METRICS, headers=token).content.decode()
    upload(client, b"nothing")
    upload(client, "title,score\nNo 001 Show,9\n")
    text = client.get(METRICS, headers=token).content.decode()
    uploads = [f'nostrade_list_uploads_total{{outcome="{outcome}"}}' for outcome in ("read", "refused")]
    assert [value(text, name) - value(before, name) for name in uploads] == [1, 1]
    assert value(text, 'nostrade_list_imports{source="csv",state="ready"}') == 1
