"""Forms of a page whose reader logged in or out elsewhere since: kept, asked about, and never sent unseen."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import resolve, reverse

from catalog.tests.factories import GenreFactory, ItemFactory
from feedback.models import Event, FeedbackType, Saved
from feedback.readers import HEADER, is_another, reader_of
from feedback.tests.factories import PASSWORD, UserFactory
from nostrade_site.stale_forms import ELSEWHERE, KEPT
from nostrade_site.tests.routes import addresses
from recommender.models import Preferences

pytestmark = pytest.mark.django_db
HERE = "http://testserver"
TITLE = "A Quiet Voyage"
LOVE = {"feedback_type": "3", "next": "/saved/"}


@pytest.fixture
def item():
    return ItemFactory(name=TITLE)


@pytest.fixture
def url(item):
    return reverse("feedback:react", args=[item.pk])


@pytest.fixture
def visitor():
    """A browser: it keeps cookies, and the site checks the forms' tokens."""
    return Client(enforce_csrf_checks=True)


def token_on(client: Client, page: str = "/preferences/") -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(page).content.decode())
    assert found
    return found[1]


def log_in(client: Client, user) -> None:
    data = {
        "login": user.username,
        "password": PASSWORD,
        "csrfmiddlewaretoken": token_on(client, "/accounts/login/"),
    }
    assert client.post("/accounts/login/", data, headers={"Origin": HERE}).status_code == 302


def send(client: Client, url: str, data: dict[str, str], **headers: str):
    return client.post(url, data, headers={"Origin": HERE, "Referer": f"{HERE}/search/"} | headers)


def shown_form(response) -> tuple[str, dict[str, str]]:
    """Return the form that an answer offers to send again: its address and its fields."""
    page = response.content.decode()
    form = re.search(r"<form[^>]*data-resend.*?</form>", page, re.S)
    assert form, page
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
    return re.search(r'action="([^"]*)"', form[0])[1], fields


def test_one_press_sends_what_another_tabs_log_in_held_up(visitor, url):
    old, member = token_on(visitor), UserFactory()
    log_in(visitor, member)
    held = send(visitor, url, LOVE | {"csrfmiddlewaretoken": old})

    page = held.content.decode()
    assert held.status_code == 403
    assert "logged in or out in another tab" in page
    assert f"You are logged in as <strong>{member.username}</strong> now" in page
    assert f"Love “{TITLE}”" in page
    assert "cookies" not in page.split("<main")[1].split("</main")[0]
    assert not Event.objects.exists()

    action, fields = shown_form(held)
    assert fields.pop("resent") == "1"
    assert fields.keys() == {"csrfmiddlewaretoken", "feedback_type", "next"}
    sent = send(visitor, action, fields)
    assert (sent.status_code, sent["Location"]) == (303, "/saved/")
    assert Event.objects.get().user == member


def test_after_logging_out_it_says_that_it_would_be_kept_for_nobody(visitor, url):
    log_in(visitor, UserFactory())
    old = token_on(visitor)
    send(visitor, "/accounts/logout/", {"csrfmiddlewaretoken": old})
    held = send(visitor, url, LOVE | {"csrfmiddlewaretoken": old})
    page = held.content.decode()
    assert held.status_code == 403
    assert "You are not logged in now" in page
    assert "Send without an account" in page
    assert "Log in" in page
    assert not Event.objects.exists()


def test_cleared_cookies_are_said_to_be_cleared_and_blocked_ones_blocked(visitor, url):
    old = token_on(visitor)
    visitor.cookies.clear()
    held = send(visitor, url, LOVE | {"csrfmiddlewaretoken": old})
    assert "cookies of this site were deleted" in held.content.decode()
    action, fields = shown_form(held)
    visitor.cookies.clear()  # as a browser that keeps none
    assert "sends this site no cookies" in send(visitor, action, fields).content.decode()
    held = send(visitor, url, LOVE | {"csrfmiddlewaretoken": old})
    assert send(visitor, *shown_form(held)).status_code == 303


@pytest.mark.parametrize("way", ["deleted", "session ended", "password changed elsewhere"])
def test_a_visit_that_ended_makes_no_guest_unseen(visitor, url, way):
    """The token still fits; without asking, the reaction would go to a new guest."""
    member = UserFactory()
    log_in(visitor, member)
    token = token_on(visitor)
    if way == "deleted":
        member.delete()
    elif way == "session ended":
        visitor.session.delete()
    else:
        member.set_password("four-swords-style")
        member.save()
    held = send(visitor, url, LOVE | {"csrfmiddlewaretoken": token})
    assert held.status_code == 409
    assert "your log-in or visit has ended" in held.content.decode()
    assert not Event.objects.exists()
    assert not get_user_model().objects.filter(username__startswith="guest-").exists()
    assert send(visitor, *shown_form(held)).status_code == 303  # asked for, it is a guest's
    assert Event.objects.count() == 1


# --- HTMX -----------------------------------------------------------------------------------------


def test_htmx_is_answered_with_a_notice_that_holds_the_form(visitor, url):
    old, member = token_on(visitor), UserFactory()
    log_in(visitor, member)
    headers = {"HX-Request": "true", "HX-Current-URL": f"{HERE}/?in=Romance", HEADER: ""}
    held = send(visitor, url, LOVE | {"csrfmiddlewaretoken": old}, **headers)
    page = held.content.decode()
    assert held.status_code == 403
    assert page.lstrip().startswith('<div class="toast')
    assert f'data-reader="{reader_of(member)}"' in page
    action, fields = shown_form(held)
    assert fields["next"] == f"{HERE}/?in=Romance"
    assert send(visitor, action, fields).status_code == 303


def test_htmx_names_the_reader_of_its_page_and_another_is_asked_about(visitor, url):
    """Also where the token fits: a page of one member, sent in the session of another."""
    anna, boris = UserFactory(), UserFactory()
    log_in(visitor, boris)
    token = token_on(visitor)
    headers = {"HX-Request": "true", HEADER: reader_of(anna)}
    held = send(visitor, url, LOVE | {"csrfmiddlewaretoken": token}, **headers)
    assert held.status_code == 409
    assert held[HEADER] == reader_of(boris)
    assert not Event.objects.exists()
    headers[HEADER] = reader_of(boris)
    assert send(visitor, url, LOVE | {"csrfmiddlewaretoken": token}, **headers).status_code == 303


def test_a_visitor_whose_reaction_makes_the_guest_is_asked_nothing(visitor, url):
    token, headers = token_on(visitor), {"HX-Request": "true", HEADER: ""}
    for feedback_type in ("3", "2"):  # of one page
        answer = send(visitor, url, {"feedback_type": feedback_type, "csrfmiddlewaretoken": token}, **headers)
        assert answer.status_code == 303
    assert Event.objects.values("user").distinct().count() == 1


def test_who_is_another():
    member, guest, other = UserFactory(), UserFactory(guest=True), UserFactory()
    as_guest = reader_of(guest)
    guest.set_password(PASSWORD)
    guest.username = "nami"  # signed up in another tab
    assert reader_of(guest) != as_guest
    assert not is_another(as_guest, guest)
    assert is_another(reader_of(member), other)
    assert is_another("", member)
    assert reader_of(member).rpartition("-")[2] not in (str(member.pk), member.username)


# --- Attacks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://testserver:8000"},
        {"Origin": "https://testserver"},
        {"Referer": "https://evil.example/http://testserver/"},
        {"Referer": "http://[broken"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {},
    ],
)
def test_what_another_site_sends_is_not_offered_again(visitor, url, headers):
    """Else one press on a page that looks like ours would carry out what that site wrote."""
    log_in(visitor, UserFactory())
    for token in ({}, {"csrfmiddlewaretoken": "x" * 64}):
        answer = visitor.post(url, LOVE | token, headers=headers)
        page = answer.content.decode()
        assert answer.status_code == 403
        assert ELSEWHERE in page
        assert "data-resend" not in page
        assert TITLE not in page
        assert 'value="3"' not in page
    assert not Event.objects.exists()


def test_the_sites_own_name_behind_a_proxy_is_none_elsewhere(visitor, url, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://anime.example"]
    old = token_on(visitor)
    log_in(visitor, UserFactory())
    held = send(visitor, url, LOVE | {"csrfmiddlewaretoken": old}, Origin="https://anime.example")
    assert shown_form(held)


def test_nothing_but_known_fields_comes_back_and_no_password_ever(visitor, url):
    old = token_on(visitor)
    log_in(visitor, UserFactory())
    secret = "correct-horse-battery"
    typed = {"password": secret, "password1": secret, "oldpassword": secret, "extra": secret, "view": secret}
    for address in [url, *addresses()]:
        if address.startswith("/api/") or resolve(address).view_name == "recommender:keep":
            continue
        page = send(visitor, address, typed | LOVE | {"csrfmiddlewaretoken": old}).content.decode()
        assert secret not in page, address


def test_what_comes_back_is_escaped_and_leads_nowhere_else(visitor):
    old = token_on(visitor)
    log_in(visitor, UserFactory())
    sent = {
        "view": '"><script>alert(1)</script>',
        "next": "https://evil.example/",
        "csrfmiddlewaretoken": old,
    }
    for headers in ({}, {"HX-Request": "true", "HX-Current-URL": "https://evil.example/"}):
        page = send(visitor, reverse("recommender:keep"), sent, **headers).content.decode()
        assert "<script>alert" not in page
        assert "evil.example" not in page


def test_a_long_field_is_not_kept(visitor):
    old = token_on(visitor)
    log_in(visitor, UserFactory())
    page = send(visitor, reverse("recommender:keep"), {"view": "x" * 5000, "csrfmiddlewaretoken": old})
    assert "data-resend" not in page.content.decode()
    assert len(page.content) < 60_000


def test_a_title_out_of_sight_is_not_named(visitor):
    adult = ItemFactory(name="Out Of Sight", genres=[GenreFactory(is_adult=True)])
    old = token_on(visitor)
    log_in(visitor, UserFactory())
    url = reverse("feedback:react", args=[adult.pk])
    assert "Out Of Sight" not in send(visitor, url, LOVE | {"csrfmiddlewaretoken": old}).content.decode()


def test_what_is_only_anothers_is_not_offered(visitor, item):
    owner = UserFactory()
    event = Event.objects.record(owner, item, FeedbackType.LOVE)
    old = token_on(visitor)
    log_in(visitor, UserFactory())
    page = send(visitor, reverse("feedback:undo", args=[event.pk]), {"csrfmiddlewaretoken": old})
    assert "data-resend" not in page.content.decode()
    assert TITLE not in page.content.decode()


# --- Every form -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["account_login", "account_signup", "account_change_password", "tokens"])
def test_forms_with_secrets_say_what_is_true_and_lead_back(visitor, name):
    old = token_on(visitor)
    log_in(visitor, UserFactory())
    page = send(visitor, reverse(name), {"csrfmiddlewaretoken": old}, Referer=HERE + reverse(name))
    assert page.status_code == 403
    assert "logged in or out in another tab" in page.content.decode()
    assert f'href="{HERE}{reverse(name)}"' in page.content.decode()


@pytest.mark.parametrize("name", sorted(KEPT))
def test_each_form_that_is_kept_names_its_fields(visitor, item, name):
    """A stranger's press of each: the page has the form where it is theirs to send."""
    values = {"feedback_type": "2", "saved": "1", "hide": "seen", "view": "discovery=3", "wildcards": "2"}
    url = next(each for each in addresses({"anime_id": str(item.pk)}) if resolve(each).view_name == name)
    old = token_on(visitor)
    log_in(visitor, UserFactory())
    held = send(visitor, url, values | {"csrfmiddlewaretoken": old})
    assert held.status_code == 403
    if name.startswith("feedback:list_") or name == "feedback:undo":
        return  # there is none of theirs
    action, fields = shown_form(held)
    assert action == url
    assert set(KEPT[name].fields) & values.keys() == set(fields) & values.keys()
    assert send(visitor, action, fields).status_code in {302, 303, 404}


def test_preferences_and_saved_titles_survive_too(visitor, item):
    old = token_on(visitor)
    member = UserFactory()
    log_in(visitor, member)
    held = send(visitor, "/preferences/", {"wildcards": "3", "teaches": "on", "csrfmiddlewaretoken": old})
    send(visitor, *shown_form(held))
    held = send(visitor, reverse("feedback:save", args=[item.pk]), {"saved": "1", "csrfmiddlewaretoken": old})
    send(visitor, *shown_form(held))
    assert Preferences.objects.get().wildcards == 3
    assert Saved.objects.get().user == member
