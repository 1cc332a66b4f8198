"""What a body is said to be costs nothing, and breaks nothing, whatever it is."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.test import Client
from django.test.client import ClientHandler
from django.urls import reverse

from nostrade_site.content_types import plain, with_plain_types

pytestmark = pytest.mark.django_db
SLOW = b"a-" + b"b" * 200_000  # half a second of processor time as Punycode, and nothing as what it is


def send(path: str, content_type: str, body: bytes = b"", **more: Any) -> int:
    """Send a request as a server would, past Django's own test client, and return its answer's status."""
    said: list[int] = []

    def site(environ: dict[str, Any], start_response: Callable[[int], Any]) -> list[bytes]:
        start_response(ClientHandler(enforce_csrf_checks=True)(environ).status_code)
        return []

    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
    }
    with_plain_types(site)(environ | more, said.append)
    return said[0]


@pytest.mark.parametrize("charset", ["punycode", "idna", "utf-16", "nonsense", "undefined", '"', ""])
def test_no_codec_is_chosen_by_the_caller(charset: str) -> None:
    before = time.thread_time()
    assert send("/api/v1/score/", f"application/json; charset={charset}", SLOW) == 400
    assert time.thread_time() - before < 0.4
    assert send("/api/v1/score/", f"application/json; charset={charset}", b'{"history": []}') == 200


def test_nor_for_the_fields_of_a_form() -> None:
    client = Client()
    client.get(reverse("account_login"))
    cookies = SimpleCookie({"csrftoken": client.cookies["csrftoken"].value}).output(header="", sep=";")
    parts = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + SLOW + b"\r\n--x--\r\n"
    before = time.thread_time()
    kind = "multipart/form-data; charset=punycode; boundary=x"
    assert send(reverse("account_login"), kind, parts, HTTP_COOKIE=cookies) == 403  # no token in the form
    assert time.thread_time() - before < 0.4


@pytest.mark.parametrize("parameter", ["x*=none''%41", "charset*=undefined''%41", "x*=idna''%ff"])
def test_a_parameter_in_no_encoding_breaks_nothing(parameter: str) -> None:
    assert send("/api/v1/score/", f"application/json; {parameter}", b'{"history": []}') == 200
    assert send("/api/v1/score/", f"text/plain; {parameter}", b"x") == 415


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("application/json", "application/json"),
        ("Application/JSON ; charset=utf-8", "Application/JSON"),
        ("multipart/form-data; boundary=----x7", "multipart/form-data; boundary=----x7"),
        ('multipart/form-data; charset=idna;Boundary="a b" ; x=y', 'multipart/form-data; Boundary="a b"'),
        ("multipart/form-data; boundary*=idna''%ff", "multipart/form-data"),
        (";;;", ""),
    ],
)
def test_the_boundary_stays(said: str, seen: str) -> None:
    assert plain(said) == seen
