"""Importing a list: what is refused, and what is kept out of sight."""

import pytest
from django.urls import reverse

from catalog.tests.factories import ItemFactory
from feedback.models import Event, FeedbackType, ListImport
from feedback.tests.factories import UserFactory
from feedback.tests.lists import act, preview, said, table, upload

pytestmark = pytest.mark.django_db
LOVE, LIKE = FeedbackType.LOVE, FeedbackType.LIKE
State = ListImport.State


@pytest.fixture
def member(client):
    user = UserFactory()
    client.force_login(user)
    return user


@pytest.fixture
def titles():
    return [ItemFactory(name=name) for name in ("Cowboy Bebop", "Mushishi", "Trigun", "Planetes")]


@pytest.mark.parametrize("action", ["import", "confirm", "discard", "undo", "resume"])
def test_an_import_of_somebody_else_does_not_exist(client, titles, action):
    owner = UserFactory()
    client.force_login(owner)
    list_import = preview(client, table("Trigun,9,,"))
    client.force_login(UserFactory())
    address = reverse(f"feedback:list_{action}", args=[list_import.pk])

    response = client.get(address) if action == "import" else client.post(address)

    assert response.status_code == 404
    assert "no such import of yours" in response.content.decode()
    list_import.refresh_from_db()
    assert list_import.state == State.READY
    client.logout()
    assert client.get(list_import.get_absolute_url()).status_code == 404


def test_it_rejects_a_choice_that_is_none(client, member, titles):
    assert act(client, preview(client, table("Trigun,9,,")), conflicts="both").status_code == 400
    assert not Event.objects.exists()


def test_html_in_titles_is_text(client, member):
    list_import = preview(client, table("<script>alert(1)</script>,9,,"))
    page = client.get(list_import.get_absolute_url()).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("data", "status", "sentence"),
    [
        (b"<!DOCTYPE a [<!ENTITY x 'y'>]><myanimelist>&x;</myanimelist>", 400, "entities of its own"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", 400, "not a text"),
        (b"", 400, "No file came along"),
    ],
)
def test_it_refuses_what_is_no_list_beside_the_form(client, data, status, sentence):
    response = upload(client, data)
    assert response.status_code == status
    assert sentence in response.content.decode() or not data
    assert 'name="list"' in response.content.decode()
    assert not ListImport.objects.exists()


def test_it_refuses_an_upload_that_is_too_large(client, settings):
    settings.LIST_UPLOAD_MB = 1
    response = upload(client, b"x" * ((1 << 20) + 1))
    assert response.status_code == 413
    assert "larger than 1 MB" in response.content.decode()
    assert upload(client, b"title,score\n" + b" \n" * 1000 + b"Trigun,9").status_code == 303


def test_it_refuses_too_many_uploads(client, settings):
    settings.ACCOUNT_RATE_LIMITS = {"list": "2/h/ip"}
    answers = [upload(client, b"nothing").status_code for _ in range(3)]
    assert answers == [400, 400, 429]


def test_titles_out_of_sight_are_imported_and_not_named(client, member):
    shown, adult = ItemFactory(name="Shown"), ItemFactory(name="Unseen", genres=["Hentai"])
    list_import = preview(client, f"anime_id,score\n{shown.pk},9\n{adult.pk},8\n")

    page = client.get(list_import.get_absolute_url()).content.decode()
    assert f'<a href="{shown.get_absolute_url()}">Shown</a>' in page
    assert "Unseen" not in page
    assert f"MyAnimeList {adult.pk}" in page
    act(client, list_import)
    assert said(member) == {shown.pk: LOVE, adult.pk: LIKE}
