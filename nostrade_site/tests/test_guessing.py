"""Guessing passwords: slowed from everywhere, and no way to lock a member out."""

from __future__ import annotations

import re

import pytest
from allauth.core.internal import ratelimit
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from feedback.tests.factories import PASSWORD, UserFactory
from nostrade_site.accounts.guessing import COOKIE

pytestmark = pytest.mark.django_db
LOG_IN, LOG_OUT, RESET = (reverse(f"account_{name}") for name in ("login", "logout", "reset_password"))
HOME, STRANGER = "198.51.100.7", "203.0.113.9"
TOO_MANY = "Too many failed login attempts"


def guess(name: str, typed: str = "wrong", where: str = STRANGER, client: Client | None = None) -> str:
    """Try a password, and say what came of it."""
    client = client or Client()
    answer = client.post(LOG_IN, {"login": name, "password": typed}, REMOTE_ADDR=where)
    if answer.status_code == 302:
        return "let in"
    return "too many" if TOO_MANY in answer.text else "not correct"


def known_browser(member: User) -> Client:
    """Return a browser in which somebody logged in, and out again."""
    client = Client()
    assert guess(member.username, PASSWORD, HOME, client) == "let in"
    client.post(LOG_OUT)
    return client


def test_a_stranger_elsewhere_locks_nobody_out() -> None:
    member = UserFactory(username="zoro")
    assert [guess("zoro") for _ in range(6)] == ["not correct"] * 5 + ["too many"]
    assert guess("zoro", PASSWORD) == "too many"
    assert guess(member.username, PASSWORD, where=HOME) == "let in"


@pytest.mark.parametrize(("stranger", "home"), [("2001:db8:1::1", "2001:db8:2::1"), ("2001:db8:1::1", HOME)])
def test_nor_by_another_line_of_the_new_internet(stranger: str, home: str) -> None:
    UserFactory(username="zoro")
    tries = [guess("zoro", where=f"{stranger[:-1]}{n:x}") for n in range(1, 7)]  # one line has 2^64 addresses
    assert tries == ["not correct"] * 5 + ["too many"]
    assert guess("zoro", PASSWORD, where=home) == "let in"


def test_nor_does_one_in_the_same_network_where_the_browser_is_known() -> None:
    member = UserFactory(username="zoro")
    theirs = known_browser(member)
    for _ in range(12):
        guess("zoro", where=HOME)
    assert guess("zoro", PASSWORD, HOME) == "too many"
    assert guess("zoro", PASSWORD, HOME, theirs) == "let in"


def test_guesses_from_everywhere_are_slowed_and_stop_no_known_browser() -> None:
    member = UserFactory(username="zoro", email="zoro@sea.example")
    theirs = known_browser(member)
    tries = [guess("zoro", where=f"203.0.{n}.9") for n in range(101)]
    assert tries == ["not correct"] * 100 + ["too many"]
    assert guess("zoro", PASSWORD, "192.0.2.1") == "too many"
    assert guess("zoro", PASSWORD, HOME, theirs) == "let in"
    theirs.post(LOG_OUT)
    assert guess("zoro@sea.example", PASSWORD, HOME, theirs) == "let in"


def test_one_network_does_not_get_that_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it goes on: what it may try in an hour is a part of what all may."""
    UserFactory(username="zoro")
    start, tried = 1_800_000_000.0, []
    for minute in range(0, 180, 2):
        monkeypatch.setattr(ratelimit.time, "time", lambda minute=minute: start + 60 * minute)
        tried += [guess("zoro") for _ in range(5)]
    assert tried.count("not correct") <= 45
    assert guess("zoro", PASSWORD, where=HOME) == "let in"


def test_no_spelling_of_a_name_has_a_count_of_its_own() -> None:
    UserFactory(username="zoro")
    tries = [guess(name) for name in ("zoro", "ZORO", "ｚｏｒｏ", "zo\u200bro", " zoro ", "Zoro")]
    assert tries == ["not correct"] * 5 + ["too many"]


def test_a_name_that_is_nobodys_is_limited_alike() -> None:
    assert [guess("sanji") for _ in range(6)] == ["not correct"] * 5 + ["too many"]


def test_a_forged_cookie_or_anothers_does_not_help() -> None:
    member, thief = UserFactory(username="zoro"), UserFactory(username="arlong")
    other = known_browser(thief)
    forged = Client()
    forged.cookies[COOKIE] = f"x {member.pk}:1xxxxx:{'a' * 43}"
    for _ in range(5):
        guess("zoro")
    for client in (other, forged):
        assert guess("zoro", PASSWORD, client=client) == "too many"
    signed = other.cookies[COOKIE].value
    assert str(member.pk) not in signed.split(":")[0].split()
    forged.cookies[COOKIE] = signed.replace(f" {thief.pk}", f" {member.pk}")
    assert guess("zoro", PASSWORD, client=forged) == "too many"


def test_a_known_browser_cannot_guess_for_ever_either() -> None:
    theirs = known_browser(UserFactory(username="zoro"))
    tries = [guess("zoro", where=f"203.0.{n}.9", client=theirs) for n in range(6)]
    assert tries == ["not correct"] * 5 + ["too many"]


def test_a_cookie_lies_where_it_is_needed_and_no_script_reads_it() -> None:
    cookie = known_browser(UserFactory()).cookies[COOKIE]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/accounts/", True, "Lax")


def test_the_right_password_uses_nothing_up() -> None:
    UserFactory(username="zoro")
    assert [guess("zoro", PASSWORD) for _ in range(12)] == ["let in"] * 12


def test_asking_for_many_resets_floods_nobody_and_keeps_nobody_from_theirs(mailoutbox) -> None:
    """A stranger used up the five a minute that an address had; then its owner could not ask."""
    member = UserFactory(username="zoro", email="zoro@sea.example")
    for n in range(12):
        client = Client()
        assert client.post(RESET, {"email": member.email}, REMOTE_ADDR=f"203.0.{n}.9").status_code == 302
    asked = Client().post(RESET, {"email": member.email}, REMOTE_ADDR=HOME)
    assert asked["Location"] == reverse("account_reset_password_done")
    assert len(mailoutbox) == 5
    link = re.search(r"http://testserver(/accounts/password\S+)", mailoutbox[-1].body)[1]
    assert "Save the password" in Client().get(link, follow=True).text


def test_a_reset_opens_the_way_again(mailoutbox) -> None:
    UserFactory(username="zoro", email="zoro@sea.example")
    client = Client()
    for _ in range(6):
        guess("zoro", where=HOME)
    client.post(RESET, {"email": "zoro@sea.example"}, REMOTE_ADDR=HOME)
    link = re.search(r"http://testserver(/accounts/password\S+)", mailoutbox[0].body)[1]
    form = client.get(link, follow=True, REMOTE_ADDR=HOME).request["PATH_INFO"]
    new = {"password1": "four-swords-style", "password2": "four-swords-style"}
    client.post(form, new, REMOTE_ADDR=HOME)
    assert guess("zoro", "four-swords-style", HOME) == "let in"


def test_claiming_an_address_gives_no_more_tries_at_who_has_it() -> None:
    """A browser that is known for the claim is not known for the owner."""
    owner = UserFactory(username="zoro", email="zoro@sea.example")
    owner.emailaddress_set.create(email=owner.email, verified=True, primary=True)
    for n in range(7):
        thief = UserFactory(username=f"thief{n}", email=owner.email)
        theirs = known_browser(thief)
        assert guess(owner.email, PASSWORD + "!", client=theirs) == "not correct"
        theirs = known_browser(thief)
        type(owner).objects.filter(pk=thief.pk).update(password="!")
        assert guess(owner.email, PASSWORD, client=theirs) == "not correct"  # the owner's own
    assert guess(owner.email, PASSWORD, where="192.0.2.7") == "let in"


def test_a_stranger_keeps_nobody_from_proving_who_they_are(client: Client) -> None:
    """Who is logged in is asked for the password again before tokens are made or the account goes."""
    member = UserFactory(username="zoro")
    client.force_login(member)
    for n in range(105):
        guess("zoro", where=f"203.0.{n}.9")
    again = client.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": reverse("tokens")})
    assert again["Location"] == reverse("tokens")
    deleted = client.delete("/api/v1/me/", {"password": PASSWORD}, content_type="application/json")
    assert deleted.status_code == 204
