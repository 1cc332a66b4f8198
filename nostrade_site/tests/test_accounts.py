"""Accounts: sign up, log in and out, passwords; and how a guest becomes a member."""

import re

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from catalog.tests.factories import ItemFactory
from feedback.guests import is_guest
from feedback.history import history_of
from feedback.models import Event, FeedbackType, Saved
from feedback.tests.factories import PASSWORD, UserFactory
from recommender.models import Preferences

pytestmark = pytest.mark.django_db
User = get_user_model()
SIGN_UP, LOG_IN, LOG_OUT = reverse("account_signup"), reverse("account_login"), reverse("account_logout")
FEED = reverse("recommender:feed")


def sign_up(client, **data):
    return client.post(SIGN_UP, {"username": "zoro", "password1": PASSWORD} | data)


def log_in(client, login, password=PASSWORD, **data):
    return client.post(LOG_IN, {"login": login, "password": password} | data)


def person_of(client):
    return client.get(reverse("feedback:activity")).context["user"]


@pytest.fixture
def guest(client):
    """A visitor who loved one title and saved another."""
    client.post(reverse("feedback:react", args=[ItemFactory(name="Loved").pk]), {"feedback_type": "3"})
    client.post(reverse("feedback:save", args=[ItemFactory(name="Kept").pk]), {"saved": "1"})
    return User.objects.get()


def test_it_works(client):
    response = sign_up(client, email="zoro@example.com")

    assert (response.status_code, response["Location"]) == (302, FEED)
    user = User.objects.get()
    assert (user.username, user.email) == ("zoro", "zoro@example.com")
    assert user.check_password(PASSWORD)
    assert person_of(client) == user


def test_an_email_is_optional(client):
    assert sign_up(client).status_code == 302
    assert User.objects.get().email == ""


@pytest.mark.parametrize("login", ["zoro", "ZORO@example.com"])
def test_members_log_in_by_name_or_email_and_out_again(login, mailoutbox):
    sign_up(Client(), email="zoro@example.com")
    client = Client()

    assert log_in(client, login, next="/saved/")["Location"] == "/saved/"
    assert person_of(client).username == "zoro"

    assert client.post(LOG_OUT).status_code == 302
    assert not person_of(client).is_authenticated


def test_logging_in_rejects_redirects_away_from_the_site(client):
    user = UserFactory()

    assert log_in(client, user.username, next="https://evil.example/")["Location"] == FEED


@pytest.mark.parametrize(
    "there", ["0", "no-page", "http://[", "feed.html", "?x", "\ufffd", "https://localhost/x"]
)
def test_a_next_page_that_is_none_is_left_out(client, there):
    person, admin_login = UserFactory(is_staff=True), reverse("admin:login")
    for url in (LOG_IN, SIGN_UP, admin_login):
        assert client.get(url, {"next": there}).status_code in (200, 302)

    assert sign_up(Client(), next=there)["Location"] == FEED
    assert log_in(client, person.username, next=there)["Location"] == FEED
    assert client.get(admin_login, {"next": there})["Location"] == reverse("admin:index")


def test_it_rejects_a_wrong_password(client):
    user = UserFactory()

    response = log_in(client, user.username, "wrong")

    assert response.status_code == 200
    assert "not correct" in response.content.decode()
    assert not person_of(client).is_authenticated


def test_it_rejects_guessing_on(client):
    user = UserFactory()
    for _ in range(5):
        log_in(client, user.username, "wrong")

    response = log_in(client, user.username)

    assert "Too many failed login attempts" in response.content.decode()
    assert not person_of(client).is_authenticated


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"username": "taken"}, "already exists"),
        ({"username": "Guest-of-honour"}, "kept for visitors"),
        ({"username": ""}, "required"),
        ({"password1": "zoro"}, "too short"),
        ({"password1": "12345678901"}, "numeric"),
        ({"email": "zoro"}, "valid email"),
    ],
)
def test_signing_up_rejects_bad_input_and_loses_nothing(client, guest, wrong, sentence):
    UserFactory(username="taken")

    response = sign_up(client, **wrong)

    assert response.status_code == 200
    assert sentence in response.content.decode()
    guest.refresh_from_db()
    assert is_guest(guest)
    assert len(history_of(person_of(client))) == 1


def test_the_password_can_be_changed(client):
    user = UserFactory()
    client.force_login(user)
    new = {"oldpassword": PASSWORD, "password1": "four-swords-style", "password2": "four-swords-style"}

    assert client.post(reverse("account_change_password"), new).status_code == 302

    user.refresh_from_db()
    assert user.check_password("four-swords-style")
    assert person_of(client) == user


def test_a_forgotten_password_is_reset_by_mail(client, mailoutbox):
    sign_up(Client(), email="zoro@example.com")
    mailoutbox.clear()

    response = client.post(reverse("account_reset_password"), {"email": "zoro@example.com"})
    assert response.status_code == 302
    link = re.search(r"http://testserver(\S+)", mailoutbox[0].body)[1]
    form = client.get(link, follow=True)
    new = "four-swords-style"
    client.post(form.request["PATH_INFO"], {"password1": new, "password2": new})

    assert User.objects.get().check_password("four-swords-style")


def test_mails_come_from_nostrade(client, mailoutbox):
    client.post(reverse("account_reset_password"), {"email": UserFactory(email="nami@sea.example").email})
    assert mailoutbox[0].subject.startswith("Nostrade: ")
    assert mailoutbox[0].body.startswith("Hello from Nostrade!")
    assert "testserver/accounts/password/reset/key/" in mailoutbox[0].body


def test_resetting_does_not_tell_who_has_an_account(client):
    response = client.post(reverse("account_reset_password"), {"email": "nobody@example.com"})

    assert (response.status_code, response["Location"]) == (302, reverse("account_reset_password_done"))


@pytest.mark.parametrize("url", [SIGN_UP, LOG_IN])
def test_members_are_sent_on_and_guests_let_in(client, guest, url):
    assert client.get(url).status_code == 200

    client.force_login(UserFactory())
    assert client.get(url)["Location"] == FEED
    assert sign_up(client)["Location"] == FEED
    assert not User.objects.filter(username="zoro").exists()


def test_a_guest_who_signs_up_keeps_everything(client, guest):
    Preferences.objects.create(user=guest, show_adult=True)
    session = client.session
    session["picks"] = [1, 2]
    session.save()
    old_key = session.session_key

    response = sign_up(client, email="zoro@example.com")

    assert response.status_code == 302
    member = User.objects.get()
    assert (member.pk, member.username, is_guest(member)) == (guest.pk, "zoro", False)
    assert person_of(client) == member
    assert [reaction.label for reaction in history_of(member).reactions] == ["Loved"]
    assert [saved.item.name for saved in member.saved.all()] == ["Kept"]
    assert member.preferences.show_adult
    assert client.session["picks"] == [1, 2]
    assert client.session.session_key != old_key
    client.post(LOG_OUT)
    assert log_in(client, "zoro").status_code == 302
    assert person_of(client) == member


def test_a_guest_who_logs_in_takes_the_reactions_along(client, guest):
    member, both = UserFactory(), ItemFactory()
    Event.objects.record(guest, both, FeedbackType.DISLIKE)
    Event.objects.record(member, both, FeedbackType.LOVE)

    assert log_in(client, member.username).status_code == 302

    assert person_of(client) == member
    assert list(User.objects.all()) == [member]
    assert {reaction.label for reaction in history_of(member).reactions} == {"Loved"}
    assert len(history_of(member)) == 2
    assert [saved.item.name for saved in Saved.objects.filter(user=member)] == ["Kept"]


@pytest.mark.parametrize(("own", "kept"), [(None, True), (False, False)])
def test_a_guest_who_logs_in_takes_preferences_to_a_member_without_any(client, guest, own, kept):
    member = UserFactory()
    Preferences.objects.create(user=guest, show_adult=True)
    if own is not None:
        Preferences.objects.create(user=member, show_adult=own)

    log_in(client, member.username)

    assert Preferences.objects.get().user == member
    assert Preferences.objects.get().show_adult is kept


def test_a_guest_who_mistypes_the_password_stays_a_guest(client, guest):
    log_in(client, UserFactory().username, "wrong")

    assert person_of(client) == guest
    assert len(history_of(guest)) == 1


def test_visitors_who_log_in_change_nobodys_reactions(client, guest):
    member = UserFactory()

    log_in(Client(), member.username)

    assert len(history_of(guest)) == 1
    assert len(history_of(member)) == 0


@pytest.mark.parametrize(
    "name", ["account_email", "account_change_password", "account_set_password", "account_reauthenticate"]
)
def test_guests_are_asked_to_sign_up_before_they_manage_an_account(client, guest, name):
    url = reverse(name)

    assert client.get(url)["Location"] == SIGN_UP
    data = {"action_add": "", "email": "zoro@example.com", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post(url, data)["Location"] == SIGN_UP
    guest.refresh_from_db()
    assert is_guest(guest)


def test_a_guest_is_warned_before_logging_out_and_gone_after(client, guest):
    page = client.get(LOG_OUT)
    assert page.context["my"].is_guest
    assert "would be lost" in page.content.decode()

    client.post(LOG_OUT)
    client.post(reverse("feedback:react", args=[ItemFactory().pk]), {"feedback_type": "3"})

    assert person_of(client) != guest
    assert len(history_of(person_of(client))) == 1


def test_log_in_rejects_posts_without_a_csrf_token():
    client = Client(enforce_csrf_checks=True)

    assert log_in(client, UserFactory().username).status_code == 403
    assert sign_up(client).status_code == 403


def test_coming_and_going_is_said_in_our_own_words(client):
    sign_up(client)
    assert "Welcome, zoro." in client.get(FEED).content.decode()
    client.post(LOG_OUT)
    assert "You are logged out." in client.get(FEED).content.decode()


def test_sessions_hold_in_the_version_before_too(client):
    """It knows no backend of ours, and would take a session that names one for a visitor's."""
    sign_up(client)
    client.post(LOG_OUT)
    log_in(client, "zoro")
    assert client.session["_auth_user_backend"] == "allauth.account.auth_backends.AuthenticationBackend"


@pytest.mark.parametrize("backend", settings.AUTHENTICATION_BACKENDS)
def test_sessions_that_began_under_any_backend_go_on(client, backend):
    member = UserFactory()
    client.force_login(member, backend=backend)
    assert person_of(client) == member


def test_a_second_press_after_the_password_changed_is_told_so(client):
    """The first ended the session that the second comes with: the log-in page does not stand unexplained."""
    response = client.post(reverse("account_change_password"), {"oldpassword": PASSWORD}, follow=True)

    assert response.redirect_chain[0][0].startswith(LOG_IN)
    assert "This press changed nothing" in response.content.decode()
