"""No answer tells a stranger whether an address is registered: not its words, its work or its mails."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from feedback.tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
SIGN_UP, LOG_IN, RESET, ADDRESSES = (
    reverse(f"account_{name}") for name in ("signup", "login", "reset_password", "email")
)
REGISTERED, FREE = "nami@sea.example", "robin@sea.example"


@pytest.fixture(autouse=True)
def _no_limits(settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = False


@pytest.fixture(params=["confirmed", "claimed", "claimed by three"])
def registered(request: pytest.FixtureRequest) -> str:
    """Return an address that is somebody's, confirmed or not."""
    for _ in range(3 if request.param == "claimed by three" else 1):
        owner = UserFactory(email=REGISTERED)
        verified = request.param == "confirmed"
        EmailAddress.objects.create(user=owner, email=REGISTERED, verified=verified, primary=True)
    return REGISTERED


def without_chance(text: str, address: str) -> str:
    """Return a page without what differs from one request to the next: tokens, ids, the address itself."""
    text = re.sub(r'(csrfmiddlewaretoken" value=|csrf-token" content=)"\w+"', "", text)
    return re.sub(r"sailor\d|[0-9a-f-]{16,}", "", text.replace(address, "ADDRESS"))


def sign_up(address: str, name: str = "sailor1") -> tuple[Client, object]:
    client = Client()
    form = {"username": name, "email": address, "password1": "navigator-of-seas"}
    return client, client.post(SIGN_UP, form, follow=True)


def log_in(address: str) -> tuple[Client, object]:
    client = Client()
    return client, client.post(LOG_IN, {"login": address, "password": "wrong-password"}, follow=True)


def reset(address: str) -> tuple[Client, object]:
    client = Client()
    return client, client.post(RESET, {"email": address}, follow=True)


def add(address: str) -> tuple[Client, object]:
    client = Client()
    client.force_login(UserFactory(username=f"member-{User.objects.count()}"))
    return client, client.post(ADDRESSES, {"action_add": "", "email": address}, follow=True)


DOORS = [sign_up, log_in, reset, add]


@pytest.mark.parametrize("door", DOORS)
def test_the_answer_is_the_same(door: Callable, registered: str, mailoutbox) -> None:
    seen = {}
    for address in (registered, FREE):
        extra = {"name": f"sailor{len(seen)}"} if door is sign_up else {}
        _, answer = door(address, **extra)
        text = re.sub(r"member-?\d+", "", without_chance(answer.text, address))
        seen[address] = (answer.status_code, answer.redirect_chain, text)
    assert seen[registered] == seen[FREE]


@pytest.mark.parametrize("door", [sign_up, reset, add])
def test_one_mail_goes_out_either_way(door: Callable, registered: str, mailoutbox) -> None:
    """To the address itself, and to no other. Sending takes the longest of all."""
    door(registered)
    (mail,) = mailoutbox
    assert mail.to == [registered]
    mailoutbox.clear()
    door(FREE, **({"name": "sailor2"} if door is sign_up else {}))
    (mail,) = mailoutbox
    assert mail.to == [FREE]


@pytest.mark.parametrize(
    ("unknown", "known"),
    [
        ("robin", "nami"),
        (FREE, REGISTERED),
        ("robin", "NAMI"),
        (FREE, REGISTERED.upper()),
        ("robin", "ｎａｍｉ"),
    ],
)
@pytest.mark.parametrize("verified", [True, False])
def test_logging_in_hashes_as_often(unknown: str, known: str, verified: bool, monkeypatch) -> None:
    """The hash is what takes the time. A thousand accounts that claim an address cost no more."""
    owner = UserFactory(username="nami", email=REGISTERED)
    EmailAddress.objects.create(user=owner, email=REGISTERED, verified=verified, primary=True)
    User.objects.bulk_create(
        User(username=f"s{n}", email=REGISTERED, password=owner.password) for n in range(9)
    )
    hashed = []
    encode = hashers.MD5PasswordHasher.encode

    def counting(self, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", counting)
    counts = []
    for login in (unknown, known):
        hashed.clear()
        log_in(login)
        counts.append(len(hashed))
    assert counts[0] == counts[1] == (3 if "@" in known else 1)


def test_signing_up_asks_the_database_as_often(registered: str, mailoutbox) -> None:
    asked = {}
    for address in (FREE, registered):
        with CaptureQueriesContext(connection) as made:
            client = Client()
            form = {"username": f"s{len(asked)}", "email": address, "password1": "navigator-of-seas"}
            client.post(SIGN_UP, form)
        asked[address] = len(made)
    assert abs(asked[registered] - asked[FREE]) <= 3


def test_who_claims_an_address_logs_in_by_it_whoever_else_has_it(registered: str, mailoutbox) -> None:
    """Else whether that works would tell."""
    for n, address in enumerate((registered, FREE)):
        sign_up(address, f"sailor{n}")
        client = Client()
        client.post(LOG_IN, {"login": address, "password": "navigator-of-seas"})
        assert User.objects.get(pk=client.session["_auth_user_id"]).username == f"sailor{n}"


def test_the_owner_hears_of_it_and_nothing_changes(mailoutbox) -> None:
    owner = UserFactory(username="nami", email=REGISTERED)
    EmailAddress.objects.create(user=owner, email=REGISTERED, verified=True, primary=True)
    sign_up(REGISTERED)
    assert "stays yours" in mailoutbox[0].body
    assert "sailor1" not in mailoutbox[0].body
    client = Client()
    client.post(LOG_IN, {"login": REGISTERED, "password": PASSWORD})
    assert client.session["_auth_user_id"] == str(owner.pk)


def test_a_site_without_mail_says_that_it_sends_none(settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    _, answer = sign_up(REGISTERED)
    assert "sends no mail" in answer.text
    assert "A link went" not in answer.text
