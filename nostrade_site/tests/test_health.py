"""/healthz and /readyz, for probes and people."""

from __future__ import annotations

import os

import pytest
from django.test import Client
from django.urls import reverse

from nostrade_site.board import Board
from nostrade_site.health import READY
from recommender.models import Checkpoint

pytestmark = pytest.mark.usefixtures("own_ranker")

HEALTHZ, READYZ = reverse("healthz"), reverse("readyz")


@pytest.fixture
def reachable_broker(request: pytest.FixtureRequest, settings) -> None:
    """The embedded broker, unless the tests were given a server of their own."""
    if settings.EMBEDDED_BROKER_SOCKET is not None:
        request.getfixturevalue("broker")


@pytest.mark.usefixtures("live", "reachable_broker")
def test_it_works(client: Client, django_assert_num_queries) -> None:
    response = client.get(HEALTHZ)
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "database": "ok",
        "disk": "ok",
        "broker": "ok",
        "programs": "ok",
        "ranker": {"version": "first", "problem": ""},
        "process": os.getpid(),
    }
    assert "no-store" in response.headers["Cache-Control"]
    with django_assert_num_queries(0):  # it has a connection of its own
        client.get(HEALTHZ)


@pytest.mark.usefixtures("live")
def test_a_silent_broker_is_degraded(client: Client, settings, tmp_path) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"
    response = client.get(HEALTHZ)
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert "does not answer" in response.json()["broker"]


@pytest.mark.usefixtures("catalogue")
def test_a_missing_checkpoint_is_degraded_and_says_why(client: Client, settings) -> None:
    response = client.get(HEALTHZ)
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["ranker"]["version"] is None
    assert "No checkpoint is active" in response.json()["ranker"]["problem"]


@pytest.mark.usefixtures("catalogue")
def test_a_corrupt_checkpoint_is_named_without_paths(client: Client, settings) -> None:
    broken = Checkpoint.objects.create(version="broken", state=Checkpoint.State.ACTIVE)
    broken.path.mkdir(parents=True)
    problem = client.get(HEALTHZ).json()["ranker"]["problem"]
    assert "broken does not load, popular titles are served" in problem
    assert str(settings.CHECKPOINT_DIR) not in problem


@pytest.mark.usefixtures("live")
def test_a_database_that_does_not_answer_is_down(client: Client, lost_database) -> None:
    lost_database()
    response = client.get(HEALTHZ)
    assert (response.status_code, response.json()["status"]) == (503, "down")
    assert (response.json()["database"], response.json()["disk"]) == ("does not answer", "ok")


@pytest.mark.usefixtures("live", "reachable_broker")
def test_a_program_that_keeps_ending_is_degraded(client: Client, monkeypatch) -> None:
    board = Board.fresh()
    monkeypatch.setenv(*next(iter(board.environ.items())))
    assert client.get(HEALTHZ).json()["status"] == "ok"
    board.write(["beat ended 4 times in a row"])
    response = client.get(HEALTHZ)
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["programs"] == "beat ended 4 times in a row"
    board.close()
    assert client.get(HEALTHZ).json()["programs"] == "ok"  # no supervisor


@pytest.mark.usefixtures("live", "reachable_broker")
def test_a_crowd_of_probes_asks_once(client: Client, monkeypatch, tmp_path, settings) -> None:
    assert client.get(READYZ).status_code == 200
    settings.DATA_DIR = tmp_path / "gone"
    assert client.get(READYZ).status_code == 200
    for question in READY.values():
        question.forget()
    response = client.get(READYZ)
    assert (response.status_code, response.json()["missing"]) == (503, ["disk"])
    assert response.json()["disk"].startswith("NOSTRADE_DATA_DIR cannot be written")


@pytest.mark.usefixtures("db")
def test_it_is_only_read(client: Client) -> None:
    assert client.post(HEALTHZ).status_code == 405
    assert client.head(HEALTHZ).status_code == 200


@pytest.mark.usefixtures("live", "reachable_broker")
def test_ready_where_everything_serves(client: Client) -> None:
    response = client.get(READYZ)
    assert (response.status_code, response.json()["status"]) == (200, "ready")
    assert response.json()["missing"] == []
    assert response.json()["ranker"]["version"] == "first"
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.usefixtures("live")
def test_without_a_broker_it_is_alive_but_not_ready(client: Client, settings, tmp_path) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"
    response = client.get(READYZ)
    assert (response.status_code, response.json()["missing"]) == (503, ["broker"])
    assert client.get(HEALTHZ).status_code == 200


@pytest.mark.usefixtures("catalogue", "reachable_broker")
def test_without_a_checkpoint_it_is_not_ready(client: Client) -> None:
    response = client.get(READYZ)
    assert (response.status_code, response.json()["missing"]) == (503, ["ranker"])
    assert "No checkpoint is active" in response.json()["ranker"]["problem"]


@pytest.mark.usefixtures("live", "reachable_broker")
def test_a_new_version_that_does_not_load_leaves_it_ready(client: Client, settings) -> None:
    """The old one serves on: taking the process out of rotation would only hurt."""
    client.get(READYZ)
    Checkpoint.objects.update(state=Checkpoint.State.RETIRED)
    broken = Checkpoint.objects.create(version="broken", state=Checkpoint.State.ACTIVE)
    broken.path.mkdir(parents=True)
    settings.CHECKPOINT_POLL_SECONDS = 0
    response = client.get(READYZ)
    assert (response.status_code, response.json()["ranker"]["version"]) == (200, "first")
    assert "first keeps serving" in response.json()["ranker"]["problem"]


@pytest.mark.usefixtures("live", "reachable_broker")
def test_without_a_database_it_is_not_ready(client: Client, lost_database) -> None:
    client.get(READYZ)  # the ranker is loaded
    for question in READY.values():
        question.forget()
    lost_database()
    response = client.get(READYZ)
    assert (response.status_code, response.json()["missing"]) == (503, ["database", "writing"])
