"""The headers that tell browsers what a page may do, on every address and every kind of answer."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from feedback.tests.factories import UserFactory
from nostrade_site.tests.routes import addresses

pytestmark = pytest.mark.django_db
ALWAYS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@pytest.mark.parametrize("person", ["visitor", "operator"])
def test_every_answer_has_them(person: str) -> None:
    """Pages, redirects, refusals, pictures, files and the API; nothing may be framed by anybody."""
    client = Client()
    if person == "operator":
        client.force_login(UserFactory(is_staff=True, is_superuser=True))
    statuses = set()
    for url in addresses():
        if person == "visitor" and url.startswith("/admin/"):
            continue  # each leads to the log-in page
        answer = client.get(url)
        statuses.add(answer.status_code)
        found = {name: answer.headers.get(name) for name in ALWAYS}
        assert found == ALWAYS, url
        assert "camera=()" in answer.headers["Permissions-Policy"]
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
    assert statuses >= {
        200,
        302,
        404,
        405,
    }  # HTTPS, HSTS and secure cookies: `check --deploy`, test_environment


def test_a_cookie_that_opens_the_account_is_out_of_scripts_reach(client: Client) -> None:
    client.post(
        reverse("account_signup"), {"username": "nami", "password1": "navigator-of-seas", "email": ""}
    )
    session = client.cookies["sessionid"]
    assert session["httponly"]
    assert session["samesite"] == "Lax"
