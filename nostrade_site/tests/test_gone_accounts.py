"""What is told to a request whose account goes while it is carried out."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from catalog.tests.factories import ItemFactory
from feedback import api, api_batches, api_dismissals, views
from feedback.tests.factories import UserFactory
from nostrade_site.accounts.deleting import delete_account
from nostrade_site.tokens.models import ApiToken

pytestmark = pytest.mark.django_db(transaction=True)
JSON = "application/json"


@pytest.fixture
def member():
    return UserFactory()


@pytest.fixture
def title():
    return ItemFactory(anime_id=1)


@pytest.fixture
def goes(member, monkeypatch) -> Callable[[Any, str], None]:
    """Delete the account in the midst of a view: when it calls a function that it looks things up by.

    Two requests that meet at that very point would show the same, once in a thousand tries.
    """

    def arrange(module: Any, name: str) -> None:
        look_up = getattr(module, name)

        def called(*args: Any, **kwargs: Any) -> Any:
            found = look_up(*args, **kwargs)
            delete_account(member.pk)
            return found

        monkeypatch.setattr(module, name, called)

    return arrange


@pytest.mark.parametrize(
    ("module", "look_up", "method", "path", "body"),
    [
        (api, "idempotency_key", "post", "/api/v1/events/", {"anime_id": 1, "feedback_type": "love"}),
        (
            api_batches,
            "idempotency_key",
            "post",
            "/api/v1/events/batch/",
            {"events": [{"anime_id": 1, "feedback_type": "love"}]},
        ),
        (api, "visible_item", "put", "/api/v1/saved/1/", {}),
        (api_dismissals, "visible_item", "put", "/api/v1/dismissals/1/seen/", {}),
    ],
)
def test_the_api_lets_nobody_in(member, title, goes, module, look_up, method, path, body):
    secret = ApiToken(label="t", writes=True).issue(member)
    goes(module, look_up)
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    response = getattr(client, method)(path, body, content_type=JSON)

    assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")
    assert "deleted a moment ago" in response.json()["detail"]
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert not get_user_model().objects.exists()


@pytest.mark.parametrize("name", ["feedback:react", "feedback:save"])
def test_pages_say_so_in_a_sentence(client, member, title, goes, name):
    client.force_login(member)
    goes(views, "_visible_item")
    response = client.post(reverse(name, args=[1]), {"feedback_type": 3, "saved": 1})

    assert response.status_code == 403
    assert "nothing was written" in response.content.decode()
    assert client.get(reverse("privacy")).status_code == 200


def test_other_faults_stay_faults(client, member, title, monkeypatch):
    def broken(*_: Any, **__: Any) -> None:
        raise IntegrityError("another")

    client.force_login(member)
    monkeypatch.setattr(views.Event.objects, "record", broken)
    with pytest.raises(IntegrityError):
        client.post(reverse("feedback:react", args=[1]), {"feedback_type": 3})
