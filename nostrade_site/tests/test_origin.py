"""Where links lead that leave the site: to its configured address, whatever a request calls it."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from catalog.tests.factories import ItemFactory
from feedback.tests.factories import PASSWORD, UserFactory
from nostrade_site.environment import LOCAL_NAMES

pytestmark = pytest.mark.django_db
SITE = "https://anime.example"
NAMES = (
    "testserver",
    "testserver:31337",
    "other.example",
    "localhost:31337",
    "LOCALHOST.:1",
    "[::1]:31337",
    "127.0.0.1",
)


@pytest.fixture(autouse=True)
def _named(settings) -> None:
    settings.SITE_URL, settings.PROBE_NAMES = SITE, LOCAL_NAMES
    settings.ALLOWED_HOSTS = [
        "anime.example",
        "other.example",
        "testserver",
        "localhost",
        "127.0.0.1",
        "[::1]",
    ]


def reset(client: Client) -> int:
    mail = UserFactory(email="nami@sea.example").email
    return client.post(reverse("account_reset_password"), {"email": mail}).status_code


def reset_of_a_stranger(client: Client) -> int:
    return client.post(reverse("account_reset_password"), {"email": "nobody@sea.example"}).status_code


def sign_up(client: Client) -> int:
    form = {"username": "nami", "password1": PASSWORD + "-of-the-sea", "email": "nami@sea.example"}
    return client.post(reverse("account_signup"), form).status_code


def sign_up_twice(client: Client) -> int:
    UserFactory(email="nami@sea.example")
    return sign_up(client)


def confirm(client: Client) -> int:
    client.force_login(UserFactory())
    form = {"email": "nami@sea.example", "action_add": ""}
    return client.post(reverse("account_email"), form).status_code


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("flow", [reset, reset_of_a_stranger, sign_up, sign_up_twice, confirm])
def test_mails_link_to_the_configured_address_alone(flow, name: str, mailoutbox) -> None:
    """However a request names the site: a mail has no other address, in any header or line of it."""
    status = flow(Client(HTTP_HOST=name))
    assert (status == 421) == (not re.match("testserver|other", name))
    for mail in mailoutbox:
        whole = str(mail.message())
        assert name not in whole
        assert set(re.findall(r"https?://[^/\s]+", whole)) <= {SITE}
    assert bool(mailoutbox) == (status != 421) or flow in (reset_of_a_stranger, sign_up_twice)


def test_the_pages_of_an_api_list_link_to_the_configured_address() -> None:
    ItemFactory.create_batch(3)
    answer = Client(HTTP_HOST="testserver:31337").get("/api/v1/items/?page_size=1&search=").json()
    assert answer["next"].startswith(f"{SITE}/api/v1/items/?")


def test_the_document_of_the_api_names_no_other_server() -> None:
    document = Client(HTTP_HOST="testserver:31337").get(
        "/api/v1/schema/", headers={"Accept": "application/json"}
    )
    assert document.status_code == 200
    assert b"31337" not in document.content


@pytest.mark.parametrize(
    "name",
    ["localhost", "localhost:31337", "localhost.", "LocalHost:1", "127.0.0.1:8000", "[::1]", "[::1]:8000"],
)
def test_under_its_machines_names_a_public_site_answers_probes_alone(name: str) -> None:
    client = Client(HTTP_HOST=name)
    for path in ("/", "/accounts/password/reset/", "/api/v1/items/", "/admin/", "/nowhere/"):
        answer = client.get(path)
        assert answer.status_code == 421
        assert SITE in answer.content.decode()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code in (200, 503)
    assert client.get("/metrics").status_code == 404  # without a token


def test_a_site_of_this_machine_alone_is_used_by_any_of_its_names(settings, mailoutbox) -> None:
    settings.SITE_URL, settings.PROBE_NAMES = "http://localhost:8000", ()
    for name in ("localhost:8000", "127.0.0.1:8000", "[::1]:8000"):
        assert Client(HTTP_HOST=name).get("/privacy/").status_code == 200
    assert reset(Client(HTTP_HOST="127.0.0.1:31337")) == 302
    assert "http://localhost:8000/accounts/password/reset/key/" in mailoutbox[0].body
