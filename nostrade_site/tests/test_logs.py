"""Request ids and log lines."""

from __future__ import annotations

import io
import json
import logging

import pytest
from celery import shared_task
from django.conf import settings
from django.test import Client

from nostrade_site import request_ids
from nostrade_site.logs import JsonFormatter, PlainFormatter, RequestIdFilter

logger = logging.getLogger(__name__)


@shared_task
def chatter() -> str:
    """Say under which id a task works."""
    return request_ids.current.get()


@pytest.fixture
def lines(monkeypatch):
    """What LOG_FORMAT=json writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


@pytest.mark.django_db
def test_it_works(client: Client, lines) -> None:
    response = client.get("/nothing/here/", headers={"X-Request-ID": "proxy-0123456789"})
    assert response.headers["X-Request-ID"] == "proxy-0123456789"
    [line] = [line for line in lines() if line["logger"] == "django.request"]
    assert line["request_id"] == "proxy-0123456789"
    assert (line["level"], line["status"]) == ("WARNING", 404)
    assert request_ids.current.get() == request_ids.NONE


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sent", ["", "short", "x" * 65, "two words 123", "line\nbreak-1234", "<script>alert(1)"]
)
def test_an_id_that_is_not_sane_is_replaced(client: Client, sent: str) -> None:
    own = client.get("/privacy/", headers={"X-Request-ID": sent}).headers["X-Request-ID"]
    assert own != sent
    assert request_ids.sane(own)
    assert client.get("/privacy/").headers["X-Request-ID"] != own


def test_every_line_under_a_request_has_its_id(rf, lines) -> None:
    def view(request):
        logger.info("said %s", "something")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        request_ids.RequestIdMiddleware(view)(rf.get("/", headers={"X-Request-ID": "abcdefgh"}))
    assert [(line["message"], line["request_id"]) for line in lines()] == [("said something", "abcdefgh")]
    assert request_ids.current.get() == request_ids.NONE


def test_a_task_works_under_the_id_of_its_request() -> None:
    headers: dict[str, str] = {}
    token = request_ids.current.set("from-a-request")
    request_ids.hand_on(headers=headers)
    request_ids.current.reset(token)
    assert headers == {"request_id": "from-a-request"}
    assert chatter.apply(headers=headers).get() == "from-a-request"
    assert request_ids.current.get() == request_ids.NONE
    alone = chatter.apply(task_id="0123-started-by-beat")
    assert alone.get() == "0123-started-by-beat"


@pytest.mark.parametrize("formatter", [PlainFormatter("%(message)s"), JsonFormatter()])
@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("Cannot connect to redis://:hunter22@valkey:6379/0", "hunter22"),
        ("postgres://nostrade:hunter22@db:5432/nostrade", "hunter22"),
        ("Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"),
        ("{'Authorization': 'Token abcdefgh12345678'}", "abcdefgh12345678"),
        ("password=hunter22&next=/", "hunter22"),
        ('{"password": "hunter22"}', "hunter22"),
        ("Cookie: sessionid=abcdef0123456789; theme=dark", "abcdef0123456789"),
        ("SECRET_KEY='hunter22hunter22'", "hunter22"),
        ("Not Found: /accounts/password/reset/key/3-abc-def/", "3-abc-def"),
    ],
)
def test_secrets_are_never_logged(formatter: logging.Formatter, said: str, secret: str) -> None:
    try:
        raise ValueError(said)
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "%s", (said,), (type(error), error, None))
    line = formatter.format(record)
    assert secret not in line
    assert "***" in line


def test_ordinary_lines_stay_as_they_are() -> None:
    said = "Serving checkpoint starter-1, see http://anime.example:8000/why/ at 10:30 for user@example.org"
    assert PlainFormatter("%(message)s").format(logging.LogRecord("x", 20, "", 1, said, (), None)) == said


def test_the_handler_that_the_site_uses_has_it() -> None:
    console = settings.LOGGING["handlers"]["console"]
    assert console["filters"] == ["request_id"]
    assert console["formatter"] == "plain"
