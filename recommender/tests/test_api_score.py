"""Scoring histories in the API; checkpoints and similar titles."""

import json

import pytest
from django.urls import reverse

from feedback.models import Event
from recommender.models import Checkpoint
from recommender.tests.fixtures import ADULT, BATTLES, HIDDEN, ROMANCES, STRANGERS

pytestmark = pytest.mark.django_db
SCORE = reverse("api:score")


def loved(*anime_ids):
    return [{"anime_id": anime_id, "feedback_type": "love"} for anime_id in anime_ids]


def post(client, **question):
    return client.post(SCORE, question, content_type="application/json")


@pytest.mark.usefixtures("live")
def test_it_works(client):
    answer = post(client, history=loved(1, 2, 3), k=5).json()

    assert answer["version"] == "first"
    assert len(answer["results"]) == 5
    assert {result["anime_id"] for result in answer["results"]} <= {*ROMANCES} - {1, 2, 3, HIDDEN}
    scores = [result["score"] for result in answer["results"]]
    assert scores == sorted(scores, reverse=True)
    assert answer["results"][0]["name"].startswith("No ")
    assert not Event.objects.exists()


@pytest.mark.usefixtures("live")
def test_nothing_out_of_sight_is_ranked(client):
    answer = post(client, history=loved(*BATTLES[:3]), k=100).json()

    found = {result["anime_id"] for result in answer["results"]}
    assert not found & {HIDDEN, ADULT, *STRANGERS, *BATTLES[:3]}
    assert len(found) > 50


@pytest.mark.usefixtures("live")
def test_the_last_word_about_a_title_stands(client):
    changed = [{"anime_id": 1, "feedback_type": "dislike"}, *loved(1)]

    assert post(client, history=changed).json() == post(client, history=loved(1)).json()


@pytest.mark.usefixtures("catalogue")
def test_without_a_checkpoint_popular_titles_are_ranked(client):
    answer = post(client, history=loved(1), k=3).json()

    assert answer["version"] is None
    assert [(result["anime_id"], result["score"]) for result in answer["results"]] == [
        (2, None),
        (3, None),
        (4, None),
    ]


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize(
    ("history", "field"),
    [
        (None, "history"),
        ("x", "history"),
        (loved(1) * 501, "history"),
        ([1], "history.0"),
        ([*loved(1), {"anime_id": "1", "feedback_type": "love"}], "history.1.anime_id"),
        (loved(True), "history.0.anime_id"),
        (loved(10**30), "history.0.anime_id"),
        ([{"anime_id": 1, "feedback_type": ["love"]}], "history.0.feedback_type"),
        ([{"anime_id": 1, "feedback_type": "padding"}], "history.0.feedback_type"),
        ([loved(1)[0] | {"timestamp": "2026-01-01T00:00:00"}], "history.0.timestamp"),
        ([loved(1)[0] | {"timestamp": 5}], "history.0.timestamp"),
    ],
)
def test_it_rejects_what_is_no_history(client, history, field):
    response = post(client, history=history)

    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize(
    "history",
    [
        [],
        loved(999_999),
        loved(*ROMANCES, *BATTLES),
        [
            loved(1)[0] | {"timestamp": "2026-01-02T00:00:00Z"},
            loved(2)[0] | {"timestamp": "1950-01-01T00:00Z"},
        ],
        [loved(1)[0] | {"timestamp": "0001-01-01T00:00:00+23:00"}],
        [loved(1)[0] | {"timestamp": "9999-12-31T00:00:00Z"}, *loved(2)],
    ],
)
def test_odd_histories_are_ranked_all_the_same(client, history):
    response = post(client, history=history)

    assert response.status_code == 200
    json.dumps(response.json(), allow_nan=False)


@pytest.mark.usefixtures("live")
def test_similar_titles_are_nearest_first_and_constant_in_cost(client, django_assert_max_num_queries):
    url = reverse("api:similar", args=[1])
    client.get(url)  # loads the ranker
    with django_assert_max_num_queries(6):
        answer = client.get(url)

    found = [item["anime_id"] for item in answer.json()["results"]]
    assert len(found) == 12
    assert len(set(found) & set(ROMANCES)) >= 10
    assert client.get(url, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert client.get(reverse("api:similar", args=[HIDDEN])).status_code == 404


def test_checkpoints_tell_what_served_and_no_more(client, live, promote):
    promote("second")
    Checkpoint.objects.create(version="bad", state=Checkpoint.State.REJECTED, holder="host-7")

    answer = client.get(reverse("api:checkpoints"))

    rows = answer.json()["results"]
    assert [(row["version"], row["active"]) for row in rows] == [("second", True), ("first", False)]
    assert rows[0]["metrics"] == live.metrics | rows[0]["metrics"]
    assert set(rows[0]) == {
        "version", "active", "parent", "created_at", "promoted_at", "size_bytes", "metrics",
    }  # fmt: skip
    assert "host-7" not in answer.content.decode()
