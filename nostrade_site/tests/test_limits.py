"""How often one address or person may try: each limit is reached, and no header talks its way past it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings as ours
from django.test import Client
from django.urls import reverse

from catalog.tests.factories import ItemFactory
from feedback.tests.factories import PASSWORD, UserFactory
from feedback.tests.lists import upload

pytestmark = pytest.mark.django_db
LOG_IN, SIGN_UP = reverse("account_login"), reverse("account_signup")
FORGED = {"X-Forwarded-For": "203.0.113.{n}", "Forwarded": "for=203.0.113.{n}", "X-Real-IP": "203.0.113.{n}"}


def tries_until_refused(attempt: Callable[[dict[str, str]], int], most: int) -> int:
    """Count how often something is let through, each time under another forged address."""
    for n in range(most + 1):
        if attempt({name: value.format(n=n) for name, value in FORGED.items()}) == 429:
            return n
    return most + 1


def log_in(headers: dict[str, str]) -> int:
    form = {"login": f"somebody-{headers['X-Real-IP']}", "password": "wrong"}
    return Client().post(LOG_IN, form, headers=headers).status_code


def sign_up(headers: dict[str, str]) -> int:
    form = {"username": f"sailor-{headers['X-Real-IP']}", "password1": "wrong"}
    return Client().post(SIGN_UP, form, headers=headers).status_code


def reset(headers: dict[str, str]) -> int:
    form = {"email": f"{headers['X-Real-IP']}@sea.example"}
    return Client().post(reverse("account_reset_password"), form, headers=headers).status_code


def become_guest(headers: dict[str, str]) -> int:
    url = reverse("feedback:react", args=[1])
    return Client().post(url, {"feedback_type": "3"}, headers=headers).status_code


def ask_the_api(headers: dict[str, str]) -> int:
    return Client().get("/api/v1/checkpoints/", headers=headers).status_code


@pytest.mark.parametrize(
    ("attempt", "allowed"), [(log_in, 30), (sign_up, 20), (reset, 20), (become_guest, 20), (ask_the_api, 60)]
)
def test_a_forged_address_does_not_help(attempt, allowed: int) -> None:
    """With the limits that the site has by default, not with smaller ones of a test."""
    ItemFactory(anime_id=1)
    assert tries_until_refused(attempt, allowed) == allowed


def test_behind_a_proxy_the_address_it_saw_counts(settings) -> None:
    """What a visitor writes in front of it does not, and visitors do not share the proxy's limit."""
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    settings.REST_FRAMEWORK = ours.REST_FRAMEWORK | {"NUM_PROXIES": 1}
    settings.ACCOUNT_RATE_LIMITS = {"guest": "1/h/ip"}
    ItemFactory(anime_id=1)
    api = [
        Client()
        .get("/api/v1/checkpoints/", headers={"X-Forwarded-For": f"10.0.0.{n}, 198.51.100.7"})
        .status_code
        for n in range(61)
    ]
    assert api == [200] * 60 + [429]
    assert ask_the_api({"X-Forwarded-For": "198.51.100.8"}) == 200
    assert become_guest({"X-Forwarded-For": "10.0.0.1, 198.51.100.7"}) == 303
    assert become_guest({"X-Forwarded-For": "10.0.0.2, 198.51.100.7"}) == 429
    assert become_guest({"X-Forwarded-For": "198.51.100.8"}) == 303


def from_home(n: int) -> str:
    """Return another address of one home, which may choose its last 64 bits."""
    return f"2001:db8:1:2:{n:x}::{n:x}"


def ask_from(address: str, how: str) -> int:
    client = Client(REMOTE_ADDR=address)
    if how == "API":
        return client.get("/api/v1/checkpoints/").status_code
    if how == "scoring":
        body = {"history": [], "top_k": 1}
        return client.post("/api/v1/score/", body, content_type="application/json").status_code
    if how == "guest":
        return client.post(reverse("feedback:react", args=[1]), {"feedback_type": "3"}).status_code
    if how == "list":
        return upload(client, b"nothing").status_code
    if how == "sign up":
        return client.post(SIGN_UP, {"username": "sailor", "password1": "wrong"}).status_code
    return client.post(LOG_IN, {"login": f"somebody-{address}", "password": "wrong"}).status_code


@pytest.mark.parametrize(
    ("how", "allowed"),
    [("API", 60), ("scoring", 30), ("guest", 20), ("list", 30), ("sign up", 20), ("log in", 30)],
)
def test_a_home_has_one_limit_however_many_addresses(how: str, allowed: int) -> None:
    """An IPv6 home is a /64; an IPv4 address is one, also where a socket shows it as IPv6."""
    ItemFactory(anime_id=1)
    answers = [ask_from(from_home(n), how) for n in range(allowed + 1)]
    assert (answers.index(429), answers[-1]) == (allowed, 429)
    assert ask_from("2001:db8:1:3::1", how) != 429
    answers = [ask_from("::ffff:192.0.2.7" if n % 2 else "192.0.2.7", how) for n in range(allowed + 1)]
    assert answers.index(429) == allowed
    assert ask_from("::ffff:192.0.2.8", how) != 429  # and not all of IPv4 is one


def test_behind_a_proxy_a_home_has_one_limit_too(settings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    answers = [
        Client().get("/api/v1/checkpoints/", headers={"X-Forwarded-For": from_home(n)}).status_code
        for n in range(61)
    ]
    assert answers == [200] * 60 + [429]


def test_a_port_in_the_host_name_buys_no_guesses() -> None:
    user = UserFactory()
    answers = [
        Client(HTTP_HOST=f"testserver:{port}").post(LOG_IN, {"login": user.username, "password": "wrong"})
        for port in range(8001, 8012)
    ]
    passed = [answer for answer in answers if b"Too many failed" not in answer.content]
    assert len(passed) <= 5


def test_uploads_have_their_limit(client: Client) -> None:
    answers = [upload(client, b"nothing").status_code for _ in range(31)]
    assert answers == [400] * 30 + [429]


@pytest.mark.parametrize("guarded", ["tokens", "account_delete"])
def test_a_stolen_session_cannot_guess_the_password(client: Client, guarded: str) -> None:
    """What asks for the password again lets nobody try for ever."""
    client.force_login(UserFactory())
    url = reverse("account_reauthenticate")
    answers = [client.post(url, {"password": "wrong", "next": reverse(guarded)}) for _ in range(11)]
    assert answers[-1].status_code == 429
    assert client.post(url, {"password": PASSWORD}).status_code == 429


def test_the_admin_has_no_door_of_its_own(client: Client) -> None:
    """Django's log-in page for the admin would know no limit: it leads to the one that does."""
    door = reverse("admin:login")
    staff = UserFactory(is_staff=True, is_superuser=True)
    form = {"username": staff.username, "password": PASSWORD}
    assert client.post(door, form)["Location"] == f"{LOG_IN}?next=/admin/"
    assert "_auth_user_id" not in client.session
    asked = client.get("/admin/catalog/item/", follow=True)
    assert asked.redirect_chain[-1][0] == f"{LOG_IN}?next=/admin/catalog/item/"
    client.post(LOG_IN, {"login": staff.username, "password": PASSWORD})
    assert client.get(door, {"next": "/admin/catalog/item/"})["Location"] == "/admin/catalog/item/"
    client.force_login(UserFactory())
    assert client.get(door).status_code == 403
    client.force_login(UserFactory(guest=True))
    assert client.get(door)["Location"].startswith(LOG_IN)
