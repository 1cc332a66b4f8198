"""Attacks by requests: forged, redirected, under a foreign name, with somebody else's session or rows."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import resolve, reverse

from catalog.tests.factories import ItemFactory
from feedback.lists.importing import take_in
from feedback.lists.reading import read_list
from feedback.models import Dismissal, Event, FeedbackType, ListImport, Saved
from feedback.tests.factories import PASSWORD, UserFactory
from nostrade_site.tests.routes import addresses
from nostrade_site.tokens.models import ApiToken
from recommender.models import Ignored

pytestmark = pytest.mark.django_db
LOG_IN, ADMIN = reverse("account_login"), reverse("admin:index")
ELSEWHERE = (
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,evil",
    "/%0d%0aLocation:https://evil.example",
    "/\r\nLocation: https://evil.example",
    "\t//evil.example",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
    "%2f%2fevil.example",
)


def stays_here(response) -> bool:
    """Tell whether a browser that follows the answer stays on the site, and gets no headers smuggled in."""
    target = response.headers.get("Location", "")
    # Browsers drop tabs and line ends, and read a backslash as a slash.
    seen = re.sub(r"[\t\r\n]", "", target).strip().replace("\\", "/")
    parts = urlsplit(seen)
    return not (
        parts.scheme or parts.netloc or seen.startswith("//") or "\n" in target or "evil" in response.headers
    )


# --- Forged forms ---------------------------------------------------------------------------------


def test_no_route_acts_without_the_forms_token() -> None:
    """Every address of the site, by every method that changes something: a new route is tried by itself."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    found = [url for url in addresses() if resolve(url)]  # raises where an address is none
    assert len(found) > 100
    for url in found:
        for method in ("post", "delete"):
            answer = getattr(client, method)(url, "{}", content_type="application/json")
            assert answer.status_code == 403, (method, url)


def test_a_token_of_another_site_or_visit_is_none() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(UserFactory())
    url = reverse("feedback:react", args=[ItemFactory().pk])
    page = client.get("/search/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    good = {"feedback_type": "3", "csrfmiddlewaretoken": token}

    assert client.post(url, good | {"csrfmiddlewaretoken": "x" * len(token)}).status_code == 403
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
        assert client.post(url, good, headers=headers).status_code == 403
    assert client.post(url, good, headers={"Origin": "http://testserver"}).status_code == 303
    stranger = Client(enforce_csrf_checks=True)
    stranger.force_login(UserFactory())
    assert stranger.post(url, good).status_code == 403


# --- Redirects ------------------------------------------------------------------------------------


@pytest.mark.parametrize("there", ELSEWHERE)
def test_nothing_leads_away_from_the_site(there: str, settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    user, item = UserFactory(is_staff=True), ItemFactory()
    client = Client()
    client.force_login(user)
    Event.objects.record(user, item, FeedbackType.LOVE)
    forms = {
        reverse("feedback:react", args=[item.pk]): {"feedback_type": "2"},
        reverse("feedback:undo", args=[Event.objects.first().pk]): {},
        reverse("feedback:save", args=[item.pk]): {"saved": "1"},
        reverse("feedback:dismiss", args=[item.pk]): {"hide": "seen"},
        reverse("recommender:ignore", args=[item.pk]): {},
        reverse("recommender:count", args=[item.pk]): {},
        reverse("recommender:keep"): {"view": there},
    }
    answers = [client.post(url, form | {"next": there}) for url, form in forms.items()]
    answers += [client.get(url, {"next": there}) for url in (LOG_IN, reverse("account_signup"))]
    answers += [client.get(reverse("admin:login"), {"next": there})]
    assert {answer.status_code for answer in answers} <= {302, 303}
    answers += [client.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": there})]
    answers += [client.post(reverse("account_logout"), {"next": there})]
    visitor = Client()
    visitor.get(LOG_IN, {"next": there})
    answers += [visitor.post(LOG_IN, {"login": user.username, "password": PASSWORD, "next": there})]
    answers += [
        Client().post(
            reverse("account_signup"),
            {"username": "nami", "password1": "navigator-of-seas", "next": there},
        )
    ]
    assert answers[-2].wsgi_request.user == user
    assert [answer for answer in answers if not stays_here(answer)] == []


@pytest.mark.parametrize(
    "path", ["//evil.example/search", "//evil.example/admin/x", "/\\evil.example/search"]
)
def test_an_added_slash_leads_nowhere_else(path: str) -> None:
    assert stays_here(Client().get(path))


# --- Somebody else's rows -------------------------------------------------------------------------


def test_nothing_of_anothers_is_read_changed_or_told_apart_from_nothing() -> None:
    """Pages and API alike answer a stranger as they do about what does not exist."""
    owner, stranger, item = UserFactory(), UserFactory(), ItemFactory()
    event = Event.objects.record(owner, item, FeedbackType.LOVE)
    Saved.objects.create(user=owner, item=item)
    Dismissal.objects.dismiss(owner, item, Dismissal.Kind.SEEN, None)
    Ignored.objects.create(user=owner, item=item)
    ApiToken(label="private-label").issue(owner)
    listed = take_in(owner, read_list(b"title,score\nprivate-row,9\n"), "private-file.csv")
    client = Client()
    client.force_login(stranger)

    def tried(pk: int) -> list[int]:
        token = ApiToken.objects.get().pk if pk else 999_999
        row = {"event": event.pk, "list": listed.pk} if pk else {"event": 999_999, "list": 999_999}
        posts = [
            reverse("feedback:undo", args=[row["event"]]),
            reverse("token_revoke", args=[token]),
            *(reverse(f"feedback:list_{act}", args=[row["list"]]) for act in ("confirm", "discard", "undo")),
            reverse("feedback:list_resume", args=[row["list"]]),
        ]
        answers = [client.post(url) for url in posts]
        answers.append(client.get(reverse("feedback:list_import", args=[row["list"]])))
        answers.append(client.delete(reverse("api:event", args=[row["event"]])))
        return [answer.status_code for answer in answers]

    assert tried(1) == tried(0) == [404] * 8
    client.post(reverse("feedback:save", args=[item.pk]), {"saved": "0"})
    client.post(reverse("feedback:dismiss", args=[item.pk]), {"show": "seen"})
    client.post(reverse("feedback:react", args=[item.pk]), {"feedback_type": "0"})
    client.post(reverse("recommender:count", args=[item.pk]))
    client.delete(reverse("api:saved", args=[item.pk]))
    client.delete(reverse("api:dismissal", args=[item.pk, "seen"]))
    models = (Event, Saved, Dismissal, Ignored, ApiToken, ListImport)
    assert [model.objects.filter(user=owner).count() for model in models] == [1] * 6  # no retraction either


@pytest.mark.parametrize("parameter", ["user", "user_id", "owner", "username"])
def test_who_is_acting_is_no_parameter(parameter: str) -> None:
    owner, stranger, item = UserFactory(), UserFactory(), ItemFactory(name="Private Title")
    Event.objects.record(owner, item, FeedbackType.LOVE)
    client = Client()
    client.force_login(stranger)
    for value in (owner.pk, owner.username):
        asked = {parameter: value}
        for url in (
            "/activity/",
            "/saved/",
            "/lists/nostrade.json",
            "/lists/nostrade.csv",
            "/api/v1/events/",
            "/api/v1/me/export/",
        ):
            assert "Private Title" not in client.get(url, asked).getvalue().decode()
        assert client.get("/api/v1/me/", asked).json()["username"] == stranger.username
    for value in (owner.pk, owner.username):
        asked = {"anime_id": item.pk, "feedback_type": "dislike", parameter: value}
        client.post("/api/v1/events/", asked, content_type="application/json")
    assert Event.objects.filter(user=owner).count() == 1


# --- Under a foreign name -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Host": "testserver:80@evil.example"}, {"Host": "testserver evil.example"}],
)
def test_a_forged_host_sends_no_mail(headers, mailoutbox) -> None:
    mail = UserFactory(email="nami@sea.example").email
    client = Client(raise_request_exception=False)
    assert client.post(reverse("account_reset_password"), {"email": mail}, headers=headers).status_code == 400
    assert mailoutbox == []


def test_a_forwarded_host_is_not_believed(mailoutbox) -> None:
    mail = UserFactory(email="nami@sea.example").email
    headers = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "host=evil.example",
    }
    Client().post(reverse("account_reset_password"), {"email": mail}, headers=headers)
    assert "http://testserver/accounts/password/reset/key/" in mailoutbox[0].body
    assert "evil.example" not in str(mailoutbox[0].message())


# --- Sessions -------------------------------------------------------------------------------------


def planted(client: Client) -> Client:
    """Return another browser with the very same session cookie."""
    other = Client()
    other.cookies["sessionid"] = client.cookies["sessionid"].value
    assert other.get("/api/v1/me/").status_code == 200
    return other


@pytest.mark.parametrize("way", ["log in", "sign up"])
def test_a_session_planted_before_is_worth_nothing_after(way: str, settings) -> None:
    """An attacker who knows the visitor's session beforehand is not let into the account."""
    item, victim = ItemFactory(), Client()
    victim.post(reverse("feedback:react", args=[item.pk]), {"feedback_type": "3"})
    attacker = planted(victim)
    if way == "log in":
        victim.post(LOG_IN, {"login": UserFactory().username, "password": PASSWORD})
    else:
        victim.post(reverse("account_signup"), {"username": "nami", "password1": "navigator-of-seas"})
    assert victim.get("/api/v1/me/").json()["is_guest"] is False
    assert attacker.get("/api/v1/me/").status_code == 401


def test_an_anonymous_session_gets_another_key_at_log_in() -> None:
    client = Client()
    client.session.save()  # as whatever plants one would make it
    session = client.session
    session["planted"] = "yes"
    session.save()
    key = session.session_key
    client.cookies["sessionid"] = key
    client.post(LOG_IN, {"login": UserFactory().username, "password": PASSWORD})
    assert client.cookies["sessionid"].value != key


def test_another_password_shuts_out_every_other_session() -> None:
    user = UserFactory()
    here, stolen = Client(), Client()
    for client in (here, stolen):
        client.post(LOG_IN, {"login": user.username, "password": PASSWORD})
    new = "four-swords-style"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    here.post(reverse("account_change_password"), form)
    assert here.get("/api/v1/me/").status_code == 200
    assert stolen.get("/api/v1/me/").status_code == 401


def test_a_session_is_over_after_logging_out() -> None:
    client = Client()
    client.post(LOG_IN, {"login": UserFactory().username, "password": PASSWORD})
    stolen = planted(client)
    client.post(reverse("account_logout"))
    assert stolen.get("/api/v1/me/").status_code == 401
