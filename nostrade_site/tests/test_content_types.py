"""What a body is said to be costs nothing, and breaks nothing, whatever it is."""

from __future__ import annotations

import time
from http.cookies import SimpleCookie

import pytest
from django.test import Client
from django.urls import reverse

from nostrade_site.content_types import plain
from nostrade_site.tests.raw import send

pytestmark = pytest.mark.django_db
SLOW = b"a-" + b"b" * 200_000  # half a second of processor time as Punycode, and nothing as what it is


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
        ("multipart/form-data; boundary=" + "x" * 71, "multipart/form-data"),
        (";;;", ""),
    ],
)
def test_the_boundary_stays(said: str, seen: str) -> None:
    assert plain(said) == seen
