"""Static files as browsers ask for them: compressed, and again by their ETag."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.test import Client

STYLE = b".card { color: var(--ink); }\n" * 100
ZIPPED = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture
def client(settings, tmp_path: Path) -> Client:
    """Return a browser of a site whose only files are a style sheet, compressed once, and a font."""
    settings.STATIC_ROOT = tmp_path
    (tmp_path / "card.css").write_bytes(STYLE)
    (tmp_path / "card.css.gz").write_bytes(gzip.compress(STYLE))
    (tmp_path / "letters.woff2").write_bytes(bytes(range(256)) * 20)
    return Client(headers=ZIPPED)


def test_a_style_sheet_is_sent_as_it_was_compressed_and_not_again(client):
    answer = client.get("/static/card.css")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(b"".join(answer.streaming_content)) == STYLE


def test_a_style_sheet_that_has_not_changed_is_answered_without_a_body(client):
    etag = client.get("/static/card.css").headers["ETag"]
    answer = client.get("/static/card.css", headers={"If-None-Match": etag})
    assert answer.status_code == 304
    assert b"".join(answer.streaming_content) == b""
    assert "Content-Encoding" not in answer.headers


def test_a_font_is_not_compressed_at_each_request(client):
    answer = client.get("/static/letters.woff2")
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Content-Length"] == "5120"
