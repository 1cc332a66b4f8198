"""The API's pages: every call, also without a script, and all of it from our own files."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse

from nostrade_site.tests.test_api_permissions import MATRIX

URL = reverse("api_docs")


@pytest.fixture
def page(client, db):
    response = client.get(URL)
    assert response.status_code == 200
    return response


def test_it_works(page):
    text = page.content.decode()

    calls = re.findall(r'<span class="api-docs__method">([A-Z]+)</span> (\S+)</code></dt><dd>(.+)</dd>', text)
    assert len(calls) == len(MATRIX) - 1  # the schema does not describe itself
    assert ("DELETE", "/api/v1/me/") in {call[:2] for call in calls}
    assert all(description for *_, description in calls)
    assert text.index("Recommendations</h2>") < text.index("Checkpoints</h2>")
    assert reverse("tokens") in text
    assert f"{reverse('api:schema')}?format=json" in text


def test_all_it_loads_is_ours(page):
    loaded = re.findall(r'(?:src|href)="([^"#]+\.(?:js|css))"', page.content.decode())

    assert any("swagger-ui-bundle.js" in url for url in loaded)
    for url in loaded:
        assert url.startswith("/static/"), url
        assert finders.find(url.removeprefix("/static/")), url


def test_the_security_policy_is_that_of_every_page(page, client):
    assert page["Content-Security-Policy"] == client.get(reverse("privacy"))["Content-Security-Policy"]
    assert "unsafe" not in page["Content-Security-Policy"]


def test_what_is_not_used_is_not_collected():
    collected = [
        f"{getattr(storage, 'prefix', None) or ''}/{path}".lstrip("/")
        for finder in finders.get_finders()
        for path, storage in finder.list([])
    ]
    assert "swagger/swagger-ui.css.map" in collected  # named in the sheet: without it no manifest is made
    assert not [path for path in collected if "redoc" in path]


def test_it_can_be_found(client, db):
    assert f'href="{URL}"' in client.get("/").content.decode()
