"""Scoring many histories at once, with a token."""

import gc
import json

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import Item
from feedback.tests.factories import UserFactory
from nostrade_site.throttling import ScopeThrottle
from nostrade_site.tokens.models import ApiToken
from recommender import scoring
from recommender.merging import merge
from recommender.tests.fixtures import BATTLES, ROMANCES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_ranker")]
URL = reverse("api:score-batch")


@pytest.fixture
def program():
    secret = ApiToken(label="service", scores=True).issue(UserFactory())
    return Client(headers={"Authorization": f"Bearer {secret}"})


def loved(*anime_ids):
    return [{"anime_id": anime_id, "feedback_type": "love"} for anime_id in anime_ids]


def post(program, **question):
    return program.post(URL, question, content_type="application/json")


@pytest.mark.usefixtures("live")
def test_it_works(program):
    response = post(program, histories=[loved(1, 2), loved(31, 32)], k=3)

    assert response["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in response.getvalue().splitlines()]
    assert [(line["index"], line["version"], len(line["results"])) for line in lines] == [
        (0, "first", 3),
        (1, "first", 3),
    ]
    assert {result["anime_id"] for result in lines[0]["results"]} <= {*ROMANCES}
    assert {result["anime_id"] for result in lines[1]["results"]} <= {*BATTLES}


@pytest.mark.usefixtures("live")
def test_a_history_is_ranked_as_it_is_alone_and_in_its_place(program, client):
    histories = [loved(1 + n % 60, 1 + (7 * n) % 60) for n in range(2 * scoring.AT_A_TIME + 3)]

    lines = [json.loads(line) for line in post(program, histories=histories, k=5).getvalue().splitlines()]

    assert [line["index"] for line in lines] == [*range(len(histories))]
    for place in (0, scoring.AT_A_TIME, len(histories) - 1):
        alone = client.post(
            reverse("api:score"), {"history": histories[place], "k": 5}, content_type="application/json"
        ).json()
        assert [each["anime_id"] for each in alone["results"]] == [
            each["anime_id"] for each in lines[place]["results"]
        ]


@pytest.mark.usefixtures("live")
def test_the_answer_begins_before_the_last_one_is_ranked(program, monkeypatch):
    passes = []
    rank = scoring.Scorer._rank
    monkeypatch.setattr(scoring.Scorer, "_rank", lambda *args: passes.append(1) or rank(*args))

    response = post(program, histories=[loved(1)] * (3 * scoring.AT_A_TIME))
    next(iter(response.streaming_content))

    assert len(passes) == 1


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"histories": []}, "histories"),
        ({"histories": [loved(1)] * 1001}, "histories"),
        ({"histories": [loved(1), [{"anime_id": 1, "feedback_type": "x"}]]}, "histories.1.0.feedback_type"),
        ({"histories": [loved(1)], "k": 101}, "k"),
    ],
)
def test_it_rejects_what_is_no_batch(program, question, field):
    response = post(program, **question)

    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_a_batch_may_be_larger_than_a_form(program):
    padding = [{"anime_id": 1, "feedback_type": "love", "note": "x" * 1_000}] * 500

    answer = post(program, histories=[padding] * 6, k=1)

    assert answer.status_code == 200
    assert len(answer.getvalue().splitlines()) == 6


def test_a_batch_may_have_48_mb_and_no_more(program):
    body = b'{"histories": [[]], "k": 1}'.ljust(48 * 2**20)

    whole, too_large = (
        program.post(URL, each, content_type="application/json") for each in (body, body + b" ")
    )

    assert whole.status_code == 200
    assert len(whole.getvalue().splitlines()) == 1
    assert too_large.status_code == 413
    assert "Send at most 48 MB" in too_large.json()["detail"]


NOTE = "a note like no other"


def test_what_was_sent_is_let_go_before_the_answer_begins(program):
    """Half a million events that wait for the collector, while a slow reader reads, would fill the memory."""
    body = json.dumps({"histories": [[{"anime_id": 1, "feedback_type": "love", "note": [NOTE]}] * 9]})
    before = notes()
    gc.disable()
    try:
        response = program.post(URL, body, content_type="application/json")
        left = notes()
    finally:
        gc.enable()

    assert left == before
    assert len(response.getvalue().splitlines()) == 1


def notes():
    """Count the notes in memory; other lists may hold what cannot be compared with a text."""
    lists = (each for each in gc.get_objects() if type(each) is list and len(each) == 1)
    return sum(type(each[0]) is str and each[0] == NOTE for each in lists)


def test_the_schema_says_that_the_answer_comes_line_by_line(client):
    paths = client.get(reverse("api:schema"), {"format": "json"}).json()["paths"]

    one, many = (paths[reverse(f"api:{name}")]["post"] for name in ("score", "score-batch"))
    assert (one["operationId"], many["operationId"]) == ("score", "score_many")
    assert [(code, list(each["content"])) for code, each in many["responses"].items() if code < "400"] == [
        ("200", ["application/x-ndjson"])
    ]
    for call, question in ((one, "ScoreQuestion"), (many, "BatchQuestion")):
        schema = call["requestBody"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": f"#/components/schemas/{question}Request"}


def test_it_has_a_limit_of_its_own(program, monkeypatch):
    monkeypatch.setitem(ScopeThrottle.THROTTLE_RATES, "score", "1/min")

    codes = [post(program, histories=[[]]).status_code for _ in range(2)]

    assert codes == [200, 429]
    assert program.get(reverse("api:schema")).status_code == 200


@pytest.mark.usefixtures("live")
def test_old_ids_of_merged_titles_are_understood(program):
    merge(list(Item.objects.filter(pk__in=[1, 2])), keep=1)

    histories = [loved(2, 8), loved(1, 8), loved(8, 2, 1), loved(8, 1), loved(8)]
    lines = [json.loads(line) for line in post(program, histories=histories, k=5).getvalue().splitlines()]

    by_old_id, by_its_own, twice, once, without = [line["results"] for line in lines]
    assert by_old_id == by_its_own != without
    assert twice == once
