"""Errors sent away: they arrive, and nothing goes along that is a secret or about a person."""

from __future__ import annotations

import gzip
import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest
from django.core.exceptions import ImproperlyConfigured

from nostrade_site import checks, environment, reporting
from nostrade_site.tests.site import ROOT

SECRETS = {
    "password": "hunter22hunter22",
    "token": "nostrade_abcdefgh12345678",
    "database": "postgres-password",
    "session": "0123456789abcdefsession",
    "query": "a-private-query",
    "mail": "nami@sea.example",
    "address": "203.0.113.77",
    "local": "only-in-a-variable",
}

# A site of one view and one task, both of which break where secrets are about.
BREAK = """
import json, sys
SECRETS = json.load(sys.stdin)
import django; django.setup()
from celery import shared_task
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import path

def view(request, key):
    request.user = User(username=SECRETS["mail"], email=SECRETS["mail"])
    local = SECRETS["local"]
    raise ValueError(f"no answer from postgres://nostrade:{SECRETS['database']}@db/nostrade")

@shared_task
def task(argument):
    raise KeyError("the task broke")

from nostrade_site import urls as ours

class urls:
    urlpatterns = [path("accounts/password/reset/key/<key>/", view, name="breaks"), *ours.urlpatterns]

with override_settings(ROOT_URLCONF=urls):
    Client(raise_request_exception=False).get("/", headers={"Host": "scanner.example"})  # no error of ours
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = SECRETS["session"]
    client.post(
        "/accounts/password/reset/key/3-" + SECRETS["token"] + "/?q=" + SECRETS["query"],
        {"password": SECRETS["password"]},
        headers={"Authorization": "Bearer " + SECRETS["token"], "X-Request-ID": "proxy-0123456789",
                 "Host": "localhost"},
        REMOTE_ADDR=SECRETS["address"],
    )
task.apply(args=[SECRETS["password"]])
import sentry_sdk
sentry_sdk.flush()
"""


UNPACK = {"": bytes, "gzip": gzip.decompress, "br": lambda b: importlib.import_module("brotli").decompress(b)}


class Sink(BaseHTTPRequestHandler):
    """Takes envelopes, as Sentry does."""

    got: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append(UNPACK[self.headers.get("Content-Encoding", "")](body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def sink() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://0123456789abcdef@127.0.0.1:{server.server_port}/7"
    server.shutdown()
    server.server_close()


def test_it_works(sink: str) -> None:
    environ = os.environ | {"DJANGO_SETTINGS_MODULE": "nostrade_site.tests.settings", "SENTRY_DSN": sink}
    run = subprocess.run(
        [sys.executable, "-c", BREAK], cwd=ROOT, env=environ, input=json.dumps(SECRETS),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for body in Sink.got for line in body.splitlines() if b'"exception"' in line]
    by_type = {event["exception"]["values"][-1]["type"]: event for event in lines}
    assert set(by_type) == {"ValueError", "KeyError"}
    request = by_type["ValueError"]
    assert request["release"] == f"nostrade@{reporting.version()}"
    assert request["transaction"] == "/accounts/password/reset/key/***/"
    assert request["tags"]["request_id"] == "proxy-0123456789"
    assert by_type["KeyError"]["exception"]["values"][-1]["stacktrace"]["frames"]
    everything = b"".join(Sink.got).decode()
    assert "no answer from postgres://***@db/nostrade" in everything
    assert {name for name, secret in SECRETS.items() if secret in everything} == set()
    # Nor in what the site logs of it, the traceback included.
    logged = run.stderr + run.stdout
    assert "no answer from" in logged
    assert {name for name in ("password", "token", "database", "session") if SECRETS[name] in logged} == set()


def test_it_is_not_even_imported_without_an_address() -> None:
    assert "sentry_sdk" not in sys.modules  # here the site is set up, without one


def test_without_the_package_it_says_what_to_install(settings, monkeypatch, caplog) -> None:
    monkeypatch.setattr(reporting.importlib.util, "find_spec", lambda name: None)
    assert checks.errors_sent() == []
    settings.SENTRY_DSN = "https://key@host/1"
    [error] = checks.errors_sent()
    assert (error.id, error.level) == ("nostrade.E002", checks.checks.ERROR)
    assert "pip install sentry-sdk" in error.hint
    reporting.start()
    assert "pip install sentry-sdk" in caplog.text


@pytest.mark.parametrize(
    "value", ["https://host/1", "key@host", "https://hunter22@host/project", "file:///etc"]
)
def test_it_rejects_what_is_no_address(value: str, monkeypatch) -> None:
    monkeypatch.setenv("SENTRY_DSN", value)
    with pytest.raises(ImproperlyConfigured, match="must look like https") as refused:
        environment.dsn("SENTRY_DSN")
    assert "hunter22" not in str(refused.value)
