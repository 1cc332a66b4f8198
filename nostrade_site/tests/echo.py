"""A small application behind the real web worker: it says what reached it, and answers as much as asked."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs

from nostrade_site.gunicorn import *  # noqa: F403 - as gunicorn's configuration this is the site's
from nostrade_site.gunicorn import worker_class

for name in ("HEAD_SECONDS", "BODY_SECONDS", "DISK_BYTES"):
    if value := os.environ.get(f"ECHO_{name}"):
        from nostrade_site import web_worker

        setattr(web_worker, name, float(value))
workers, worker_class = 1, os.environ.get("ECHO_WORKER") or worker_class
post_worker_init = lambda worker: None  # noqa: E731 - no ranker here
worker_connections = int(os.environ.get("ECHO_CONNECTIONS") or 1000)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    asked = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
    if size := int(asked.get("size", 0)):
        start_response("200 OK", [("Content-Length", str(size))])
        if "file" in asked:
            return environ["wsgi.file_wrapper"](io.BytesIO(b"x" * size))
        return (b"x" * min(65536, size - at) for at in range(0, size, 65536))
    if status := asked.get("status"):
        start_response(status, [])
        return []
    time.sleep(float(asked.get("sleep", 0)))
    body = b"" if "unread" in asked else environ["wsgi.input"].read()
    said = json.dumps(
        {
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "size": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "pid": os.getpid(),
            "address": environ["REMOTE_ADDR"],
            "headers": sorted(name for name in environ if name.startswith("HTTP_")),
            "forwarded": [environ.get(f"HTTP_X_FORWARDED_{name}") for name in ("FOR", "PROTO")],
        }
    ).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(said)))])
    return [said]
