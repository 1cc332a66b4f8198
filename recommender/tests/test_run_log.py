"""What a run says is kept, bounded, and shown while it goes on."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from feedback.tests.factories import UserFactory
from recommender import runs
from recommender.models import Checkpoint, RunLine, run_lines, tell
from recommender.runs import claim

pytestmark = pytest.mark.django_db


@pytest.fixture
def run():
    return claim(Checkpoint.objects.create(version="parent"), 0, "nightly")


def texts(checkpoint):
    return [line.text for line in checkpoint.lines.all()]


def test_it_works(run, admin_client):
    run.say("Training on 5 people with news.")
    url = reverse("admin:recommender_checkpoint_log", args=[run.checkpoint.pk])

    going = admin_client.get(url)
    assert "Begun by" in going.text
    assert "from parent." in going.text
    assert going.text.index("Training on 5") < going.text.index("Begun by")  # the latest first
    assert f'hx-get="{url}"' in going.text

    run.finish(Checkpoint.State.REJECTED, "Not trained: too little.")
    ended = admin_client.get(url)
    assert "hx-get" not in ended.text
    assert "The run has ended." in ended.text


def test_the_page_brings_htmx_only_while_it_trains(run, admin_client):
    url = reverse("admin:recommender_checkpoint_change", args=[run.checkpoint.pk])
    assert "htmx" in admin_client.get(url).text
    run.finish(Checkpoint.State.FAILED, "Failed.")
    assert "htmx" not in admin_client.get(url).text


def test_steps_are_told_with_the_signs_of_life_and_validations_always(run, monkeypatch):
    run.watch(1, {"train/loss": 3.14159, "train/tokens/s": 5400.0})
    assert len(texts(run.checkpoint)) == 1
    monkeypatch.setattr(runs, "SIGN_SECONDS", 0.0)
    run.watch(1200, {"train/loss": 3.14159, "train/tokens/s": 5400.0})
    assert texts(run.checkpoint)[-1] == "Step 1,200 · loss 3.142 · tokens/s 5,400"
    monkeypatch.setattr(runs, "SIGN_SECONDS", 3600.0)
    run.watch(1300, {"validation/ndcg@20": 0.25})
    assert texts(run.checkpoint)[-1] == "Step 1,300 · ndcg@20 0.25"


def test_it_is_bounded(run, monkeypatch):
    monkeypatch.setattr(run_lines, "MOST_LINES", 3)
    for number in range(5):
        tell(run.checkpoint, f"{number}" * 400)
    assert [text[0] for text in texts(run.checkpoint)] == ["2", "3", "4"]
    assert len(texts(run.checkpoint)[0]) == 300


def test_who_takes_a_run_over_says_so(run, monkeypatch):
    Checkpoint.objects.filter(pk=run.checkpoint.pk).update(holder="elsewhere:1", heartbeat_at=None)
    claim(Checkpoint.objects.get(version="parent"), 0, "nightly")
    assert "try 2 of 3" in texts(run.checkpoint)[-1]


def test_a_log_that_cannot_be_written_stops_no_run(run, monkeypatch):
    def away(*_):
        raise runs.DatabaseError

    monkeypatch.setattr(runs, "tell", away)
    run.say("x")
    assert RunLine.objects.count() == 1


def test_it_requires_permission(run, client):
    url = reverse("admin:recommender_checkpoint_log", args=[run.checkpoint.pk])
    assert client.get(url).status_code == 302
    client.force_login(reader := UserFactory(is_staff=True))
    assert client.get(url).status_code == 403
    reader.user_permissions.add(Permission.objects.get(codename="view_checkpoint"))
    client.force_login(reader)
    assert client.get(url).status_code == 200
    assert client.get(reverse("admin:recommender_checkpoint_log", args=[99])).status_code == 404
    assert client.post(url).status_code == 405
