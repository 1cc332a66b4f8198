"""Tokens: made, shown once, used, and revoked."""

import re
from importlib import import_module
from io import StringIO

import pytest
from allauth.account.forms import default_token_generator
from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.http import int_to_base36

from catalog.tests.factories import GenreFactory, ItemFactory
from feedback.lists.everything import everything_about
from feedback.models import Event, FeedbackType
from feedback.tests.factories import PASSWORD, UserFactory
from nostrade_site.accounts.deleting import delete_account
from nostrade_site.tokens.authentication import BearerScheme, TokenAuthentication
from nostrade_site.tokens.models import MOST_TOKENS, PREFIX, ApiToken
from recommender.models import Preferences

pytestmark = pytest.mark.django_db
TOKENS, EVENTS, SAVED = reverse("tokens"), reverse("api:events"), reverse("api:saved-list")


@pytest.fixture
def member(client):
    user = UserFactory()
    client.force_login(user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})  # lately
    return user


def issue(owner, **scopes):
    token = ApiToken(label="script", **({"reads": True} | scopes))
    return token.issue(owner)


def bearer(secret):
    return Client(headers={"Authorization": f"Bearer {secret}"})


def person_of(client):
    return client.get(TOKENS).context["user"]


def shown_secret(response):
    return re.search(rf">({PREFIX}[\w-]+)<", response.content.decode())[1]


def test_it_works(client, member):
    Event.objects.record(member, ItemFactory(anime_id=7), FeedbackType.LOVE)

    made = client.post(TOKENS, {"label": "backup", "reads": "on"})

    assert made.status_code == 201
    secret = shown_secret(made)
    answer = bearer(secret).get(EVENTS)
    assert [row["anime_id"] for row in answer.json()["results"]] == [7]
    assert answer["Cache-Control"] == "private, no-store"
    page = client.get(TOKENS).content.decode()
    assert "backup" in page
    assert secret not in page


def test_only_a_fingerprint_is_stored_and_nobody_may_keep_the_answer(client, member):
    made = client.post(TOKENS, {"label": "backup", "reads": "on"})

    secret = shown_secret(made)
    assert "no-store" in made["Cache-Control"]
    stored = ApiToken.objects.values().get()
    assert all(secret.removeprefix(PREFIX) not in str(value) for value in stored.values())
    assert secret not in str(dict(client.session.items()))
    exported = "".join(everything_about(member))
    assert "backup" in exported
    assert secret not in exported
    assert stored["digest"] not in exported


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"label": "x"}, "Choose at least one thing"),
        ({"reads": "on"}, "required"),
        ({"label": "x" * 61, "reads": "on"}, "at most 60"),
        ({"label": "a\0b", "reads": "on"}, "Null characters"),
    ],
)
def test_it_rejects_what_is_no_token(client, member, data, sentence):
    response = client.post(TOKENS, data)

    assert response.status_code == 400
    assert sentence in response.content.decode()
    assert not ApiToken.objects.exists()


def test_one_person_has_so_many_and_no_more(client, member):
    for _ in range(MOST_TOKENS):
        issue(member)

    assert client.post(TOKENS, {"label": "one more", "reads": "on"}).status_code == 400
    assert ApiToken.objects.count() == MOST_TOKENS


def test_making_one_takes_the_password_again(client):
    client.force_login(UserFactory())

    assert client.get(TOKENS).status_code == 200
    assert client.post(TOKENS, {"label": "x", "reads": "on"})["Location"].startswith(
        reverse("account_reauthenticate")
    )
    assert not ApiToken.objects.exists()

    made = client.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": TOKENS})

    assert made.status_code == 201
    assert shown_secret(made)


def test_guests_are_told_to_sign_up_and_visitors_to_log_in(client):
    assert client.get(TOKENS)["Location"].startswith(reverse("account_login"))
    client.force_login(UserFactory(guest=True))

    for url in (TOKENS, reverse("token_revoke", args=[1])):
        assert client.post(url, {"label": "x", "reads": "on"})["Location"] == reverse("account_signup")
    assert not ApiToken.objects.exists()


def test_a_revoked_token_is_shut_out_and_only_its_owner_revokes_it(client, member):
    mine, theirs = issue(member), issue(UserFactory())

    for token in ApiToken.objects.all():
        client.post(reverse("token_revoke", args=[token.pk]))

    assert bearer(mine).get(EVENTS).status_code == 401
    assert bearer(theirs).get(EVENTS).status_code == 200
    assert client.post(reverse("token_revoke", args=[10**30])).status_code == 404


def test_what_it_may_not_do_is_refused_with_a_remedy():
    owner, item = UserFactory(), ItemFactory()
    reader, writer = bearer(issue(owner)), bearer(issue(owner, reads=False, writes=True))
    data = {"anime_id": item.pk, "feedback_type": "love"}

    refused = reader.post(EVENTS, data, content_type="application/json")
    assert refused.status_code == 403
    assert "takes write" in refused.json()["detail"]
    assert writer.get(SAVED).status_code == 403
    assert writer.post(EVENTS, data, content_type="application/json").status_code == 201
    assert Event.objects.get().user == owner


def test_a_route_that_is_open_to_all_heeds_the_scope_too():
    secret = issue(UserFactory(), reads=False, scores=True)

    assert bearer(secret).get(reverse("api:item-list")).status_code == 403


def test_the_owner_acts_and_sees_whatever_session_comes_along(client):
    owner, other = UserFactory(), UserFactory()
    Preferences.objects.create(user=owner, show_adult=True)
    adult = ItemFactory(genres=[GenreFactory(is_adult=True)])
    client.force_login(other)
    headers = {"Authorization": f"Bearer {issue(owner, writes=True)}"}

    response = client.put(reverse("api:saved", args=[adult.pk]), headers=headers)

    assert response.status_code == 201
    assert owner.saved.count() == 1


@pytest.mark.parametrize("secret", ["", "x", PREFIX, "é" * 90, "a b", "x" * 5000])
def test_it_rejects_what_is_no_secret(secret):
    response = Client(headers={"Authorization": f"Bearer {secret}"}).get(reverse("api:item-list"))

    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert "/tokens/" in response.json()["detail"]


def test_accounts_that_are_switched_off_or_deleted_have_no_tokens():
    owner = UserFactory()
    secret = issue(owner)
    owner.is_active = False
    owner.save()
    assert bearer(secret).get(EVENTS).status_code == 401

    delete_account(owner.pk)

    assert not ApiToken.objects.exists()


def test_its_use_is_noted_once_a_minute(django_assert_num_queries):
    program = bearer(issue(UserFactory()))
    before = timezone.now()
    program.get(EVENTS)
    noted = ApiToken.objects.get().last_used_at
    assert noted >= before

    with django_assert_num_queries(2):  # token with its owner, page
        program.get(EVENTS)

    assert ApiToken.objects.get().last_used_at == noted


def test_it_needs_no_csrf_token_but_gives_no_session():
    program = Client(
        enforce_csrf_checks=True, headers={"Authorization": f"Bearer {issue(UserFactory(), writes=True)}"}
    )

    assert program.put(reverse("api:saved", args=[ItemFactory().pk])).status_code == 201
    assert not program.cookies
    assert program.get(TOKENS)["Location"].startswith(reverse("account_login"))


def change(client, owner):
    new = {"oldpassword": PASSWORD, "password1": "four-swords-style", "password2": "four-swords-style"}
    return client.post(reverse("account_change_password"), new)


def change_in_the_admin(client, owner):
    type(owner).objects.filter(pk=owner.pk).update(is_staff=True)
    new = {
        "old_password": PASSWORD,
        "new_password1": "four-swords-style",
        "new_password2": "four-swords-style",
    }
    return client.post(reverse("admin:password_change"), new)


def change_by_command(client, owner, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda prompt: "four-swords-style")
    call_command("changepassword", owner.username, stdout=StringIO())


def change_by_update(client, owner):
    type(owner).objects.filter(pk=owner.pk).update(password=make_password("four-swords-style"))


def change_by_reset(client, owner):
    key = f"{int_to_base36(owner.pk)}-{default_token_generator.make_token(owner)}"
    form = Client()
    page = form.get(f"/accounts/password/reset/key/{key}/", follow=True)
    new = {"password1": "four-swords-style", "password2": "four-swords-style"}
    return form.post(page.request["PATH_INFO"], new)


@pytest.mark.parametrize(
    "way", [change, change_in_the_admin, change_by_command, change_by_update, change_by_reset]
)
def test_another_password_revokes_them_and_ends_other_sessions(client, member, way, monkeypatch):
    """By whatever way it came: what looks at the password is the use of the token."""
    secret, elsewhere = issue(member), Client()
    elsewhere.force_login(member)
    assert bearer(secret).get(EVENTS).status_code == 200

    way(client, member, *([monkeypatch] if way is change_by_command else []))

    member.refresh_from_db()
    assert member.check_password("four-swords-style")
    assert bearer(secret).get(EVENTS).status_code == 401
    assert elsewhere.get(TOKENS)["Location"].startswith(reverse("account_login"))
    assert not ApiToken.objects.of(member)
    assert bearer(issue(member)).get(EVENTS).status_code == 200
    assert ApiToken.objects.count() == 1  # the next one sweeps the dead ones away


def test_changing_the_password_says_what_it_ends(client, member):
    assert "API tokens are revoked" in client.get(reverse("account_change_password")).text
    change(client, member)
    assert "all API tokens are revoked" in client.get(TOKENS).text
    assert person_of(client) == member  # this browser stays


def test_a_new_form_of_the_same_passwords_hash_keeps_them(settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    owner = UserFactory()
    type(owner).objects.filter(pk=owner.pk).update(password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
    owner.refresh_from_db()
    secret = issue(owner)

    Client().post(reverse("account_login"), {"login": owner.username, "password": PASSWORD})

    assert type(owner).objects.get(pk=owner.pk).password.startswith("md5$")
    assert bearer(secret).get(EVENTS).status_code == 200


def test_those_that_are_there_before_the_upgrade_live_on():
    owner = UserFactory()
    secret = issue(owner)
    ApiToken.objects.update(password_mark="")
    import_module("nostrade_site.tokens.migrations.0003_existing_marks").mark(apps, None)
    assert bearer(secret).get(EVENTS).status_code == 200
    ApiToken.objects.update(password_mark="")  # made by the version before, after that
    assert bearer(secret).get(EVENTS).status_code == 401


def test_the_api_document_says_how_one_is_sent(client):
    document = client.get(reverse("api:schema"), headers={"Accept": "application/json"}).json()

    scheme = BearerScheme(TokenAuthentication).get_security_definition(None)
    assert document["components"]["securitySchemes"]["token"] == scheme
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert TOKENS in scheme["description"]
