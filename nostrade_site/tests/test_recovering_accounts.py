"""Whose an address and an account are: whoever reads the mails. No one else blocks them or comes back."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from feedback.tests.factories import PASSWORD, UserFactory
from nostrade_site.tokens.models import ApiToken

pytestmark = pytest.mark.django_db
SIGN_UP, LOG_IN, RESET = (reverse(f"account_{name}") for name in ("signup", "login", "reset_password"))
VICTIM, OTHER = "victim@sea.example", "thief@sea.example"
NEW = "four-swords-style"


@pytest.fixture(autouse=True)
def _no_limits(settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = False


def sign_up(name: str, email: str = VICTIM, password: str = PASSWORD) -> Client:
    client = Client()
    answer = client.post(SIGN_UP, {"username": name, "email": email, "password1": password})
    assert answer.status_code == 302
    return client


def logged_in(login: str, password: str) -> str | None:
    client = Client()
    client.post(LOG_IN, {"login": login, "password": password})
    found = client.session.get("_auth_user_id")
    return User.objects.get(pk=found).username if found else None


def links(mail, kind: str) -> list[str]:
    return re.findall(rf"http://testserver(/accounts/{kind}\S+)", mail.body)


def confirm(mail) -> None:
    (link,) = links(mail, "confirm-email")
    assert Client().post(link).status_code == 302


def is_spent(link: str) -> bool:
    answer = Client().post(link)
    return answer.status_code == 404 or "too old" in answer.text


def reset(mailoutbox, address: str = VICTIM, of: str = "") -> None:
    """Ask for a reset as the owner of the mailbox does, and follow the (first) link."""
    mailoutbox.clear()
    Client().post(RESET, {"email": address})
    (mail,) = mailoutbox
    assert mail.to == [address]
    follow(links(mail, "password/reset/key")[0])


def follow(link: str):
    client = Client()
    page = client.get(link, follow=True)
    return client.post(page.request["PATH_INFO"], {"password1": NEW, "password2": NEW}, follow=True)


def has(name: str) -> list[tuple[str, bool]]:
    return list(EmailAddress.objects.filter(user__username=name).values_list("email", "verified"))


def test_a_reset_recovers_an_account_from_a_squatter(mailoutbox) -> None:
    squatter = sign_up("squatter")
    account = User.objects.get()
    secret = ApiToken(label="x", writes=True).issue(account)
    squatter.post(reverse("account_email"), {"action_add": "", "email": OTHER})

    reset(mailoutbox)

    assert Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/me/").status_code == 401
    assert squatter.get(reverse("recommender:preferences")).wsgi_request.user.is_anonymous
    assert logged_in(VICTIM, PASSWORD) is None
    assert logged_in(VICTIM, NEW) == "squatter"
    assert has("squatter") == [(VICTIM, True)]


def test_nor_does_the_squatter_come_back_by_another_address(mailoutbox) -> None:
    """Not by one that was added before, nor by a link that was sent before."""
    squatter = sign_up("squatter")
    squatter.post(reverse("account_email"), {"action_add": "", "email": OTHER})
    earlier = links(mailoutbox[-1], "confirm-email")[0]
    assert mailoutbox[-1].to == [OTHER]

    reset(mailoutbox)

    assert "too old" in Client().get(earlier).text
    assert is_spent(earlier)
    mailoutbox.clear()
    Client().post(RESET, {"email": OTHER})
    assert links(mailoutbox[0], "password/reset/key") == []


def test_a_link_does_not_survive_another_main_address(mailoutbox) -> None:
    """Else the address that was made the main one after the mail went would count as proved by it."""
    squatter = sign_up("squatter")
    squatter.post(reverse("account_email"), {"action_add": "", "email": OTHER})
    mailoutbox.clear()
    Client().post(RESET, {"email": VICTIM})
    squatter.post(reverse("account_email"), {"action_primary": "", "email": OTHER})
    page = Client().get(links(mailoutbox[0], "password/reset/key")[0], follow=True)
    assert "too old" in page.text
    assert not EmailAddress.objects.filter(verified=True).exists()


def test_a_claim_does_not_block_the_owner(mailoutbox) -> None:
    sign_up("squatter")
    sign_up("nami", password="the-owners-own")
    mine = mailoutbox[-1]
    assert "nami gave" in mine.body
    assert logged_in("nami", "the-owners-own") == "nami"

    confirm(mine)

    assert has("nami") == [(VICTIM, True)]
    assert has("squatter") == []
    assert User.objects.get(username="squatter").email == ""
    assert logged_in(VICTIM, "the-owners-own") == "nami"
    assert logged_in(VICTIM, PASSWORD) is None
    assert logged_in("squatter", PASSWORD) == "squatter"
    mailoutbox.clear()
    Client().post(RESET, {"email": VICTIM})
    assert re.findall(r"for (\w+):", mailoutbox[0].body) == ["nami"]


def test_nor_does_a_claim_that_comes_later(mailoutbox) -> None:
    sign_up("nami", password="the-owners-own")
    sign_up("squatter")
    confirm(mailoutbox[0])
    sign_up("later")
    assert "stays yours" in mailoutbox[-1].body
    assert links(mailoutbox[-1], "confirm-email") == []
    assert has("nami") == [(VICTIM, True)]
    assert logged_in(VICTIM, "the-owners-own") == "nami"


def test_a_confirmed_address_cannot_be_confirmed_away(mailoutbox) -> None:
    """Not by a link that was sent before it was confirmed."""
    sign_up("squatter")
    squatters = mailoutbox[-1]
    sign_up("nami")
    confirm(mailoutbox[-1])
    (link,) = links(squatters, "confirm-email")
    assert is_spent(link)
    assert has("nami") == [(VICTIM, True)]


def test_two_confirmations_at_once_are_no_error(mailoutbox, monkeypatch) -> None:
    """The second finds out at the constraint, and says what is so."""
    sign_up("squatter")
    first = mailoutbox[-1]
    sign_up("nami")
    EmailAddress.objects.filter(user__username="nami").update(verified=True)
    monkeypatch.setattr(EmailAddress, "can_set_verified", lambda self: True)  # looked before that
    (link,) = links(first, "confirm-email")
    assert "belongs to another account" in Client().post(link, follow=True).text
    assert has("nami") == [(VICTIM, True)]


def test_an_address_that_is_only_claimed_opens_no_account_that_has_a_confirmed_one(mailoutbox) -> None:
    """A typing error in a second address must not give the account to a stranger."""
    member = UserFactory(email="nami@sea.example")
    member.emailaddress_set.create(email="nami@sea.example", verified=True, primary=True)
    member.emailaddress_set.create(email=OTHER)
    Client().post(RESET, {"email": OTHER})
    assert links(mailoutbox[0], "password/reset/key") == []
    assert logged_in(OTHER, PASSWORD) is None


def test_one_request_is_one_mail_however_many_claim_an_address(mailoutbox) -> None:
    for n in range(8):
        UserFactory(username=f"squatter{n}", email=VICTIM)
    Client().post(RESET, {"email": VICTIM})
    (mail,) = mailoutbox
    assert re.findall(r"for (\w+):", mail.body) == [f"squatter{n}" for n in range(5)]


def test_the_pages_and_the_mail_say_what_a_reset_ends(mailoutbox) -> None:
    sign_up("nami")
    mailoutbox.clear()
    Client().post(RESET, {"email": VICTIM})
    assert "all API tokens are revoked" in mailoutbox[0].body
    (link,) = links(mailoutbox[0], "password/reset/key")
    assert "all API tokens are revoked" in Client().get(link, follow=True).text
    done = follow(link)
    assert done.redirect_chain[-1][0] == reverse("account_reset_password_from_key_done")
    assert "all API tokens are revoked" in done.text


def test_who_confirms_in_the_admin_takes_it_from_others_too(admin_client, mailoutbox) -> None:
    sign_up("squatter")
    sign_up("nami")
    mine = EmailAddress.objects.get(user__username="nami")
    url = reverse("admin:account_emailaddress_changelist")
    admin_client.post(url, {"action": "make_verified", "_selected_action": [mine.pk]})
    assert (has("nami"), has("squatter")) == ([(VICTIM, True)], [])
    sign_up("another")
    page = reverse("admin:account_emailaddress_change", args=[mine.pk])
    form = {"user": mine.user_id, "email": VICTIM, "verified": "on", "primary": "on"}
    assert admin_client.post(page, form).status_code == 302
    assert (has("nami"), has("another")) == ([(VICTIM, True)], [])
