"""Requests as a server hands them over: with headers and bodies that Django's test client would not send."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from django.test.client import ClientHandler

from nostrade_site.content_types import with_plain_types


def send(path: str, content_type: str = "", body: bytes = b"", **more: Any) -> int:
    """Send a request and return its answer's status; `more` goes into the WSGI environment."""
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
