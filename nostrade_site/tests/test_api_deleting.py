"""Deleting an account in the API: by whoever knows the password, and not by a token alone."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from catalog.tests.factories import ItemFactory
from feedback.models import Event
from feedback.tests.factories import PASSWORD, EventFactory, UserFactory
from nostrade_site.tokens.models import ApiToken

pytestmark = pytest.mark.django_db
User = get_user_model()
ME, LOGIN = reverse("api:me"), reverse("account_login")


@pytest.fixture
def member():
    EventFactory(user__username="nami")
    return EventFactory(user__username="zoro").user


def with_token(user, **scopes):
    secret = ApiToken(label="t", **scopes).issue(user)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def delete(client, **body):
    return client.delete(ME, body, content_type="application/json")


@pytest.mark.parametrize("by_session", [True, False])
def test_it_works(member, by_session):
    client = with_token(member, writes=True)
    if by_session:
        client = Client()
        client.force_login(member)

    assert delete(client, password=PASSWORD).status_code == 204

    assert User.objects.get().username == "nami"
    assert Event.objects.count() == 1
    assert not ApiToken.objects.exists()
    assert client.get(ME).status_code == 401
    assert not [session for session in Session.objects.all() if "_auth_user_id" in session.get_decoded()]


@pytest.mark.parametrize(
    ("scopes", "body", "status"),
    [
        ({"writes": True}, {}, 403),
        ({"writes": True}, {"password": ""}, 400),
        ({"writes": True}, {"password": f"{PASSWORD} "}, 403),
        ({"writes": True, "reads": True, "scores": True}, {"password": "wrong"}, 403),
        ({"reads": True}, {"password": PASSWORD}, 403),
    ],
)
def test_it_deletes_nothing(member, scopes, body, status):
    answer = delete(with_token(member, **scopes), **body)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert User.objects.filter(pk=member.pk).exists()


def test_another_ones_password_does_not_suffice(member):
    other = UserFactory()
    other.set_password("another")
    other.save()

    assert delete(with_token(member, writes=True), password="another").status_code == 403
    assert User.objects.filter(pk=member.pk).exists()


def test_passwords_are_not_tried_out(member):
    client = with_token(member, writes=True)

    answers = [delete(client, password=f"guess {n}") for n in range(6)]

    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert delete(client, password=PASSWORD).status_code == 429
    # They count as failed log-ins: no guess more is left there either.
    Client().post(LOGIN, {"login": member.username, "password": PASSWORD})
    assert not Session.objects.exists()


def test_a_guest_needs_none(client):
    client.post(reverse("feedback:react", args=[ItemFactory().pk]), {"feedback_type": "3"})

    assert delete(client).status_code == 204

    assert not User.objects.exists()
    assert client.get("/").status_code == 200


def test_another_site_cannot_have_it_done():
    client = Client(enforce_csrf_checks=True)
    client.force_login(UserFactory(guest=True))

    assert delete(client).status_code == 403
    assert User.objects.count() == 1
