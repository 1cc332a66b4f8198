"""People in the admin: seen without their secrets, switched off, deleted for good."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from feedback.models import Event
from feedback.tests.factories import EventFactory, SavedFactory, UserFactory
from nostrade_site.tokens.models import ApiToken

pytestmark = pytest.mark.django_db
LIST = reverse("admin:auth_user_changelist")


def page(person, name="change"):
    return reverse(f"admin:auth_user_{name}", args=[person.pk])


def act(client, action, *people, **more):
    data = {"action": action, "_selected_action": [person.pk for person in people]} | more
    return client.post(LIST, data, follow=True)


@pytest.fixture
def operator(client):
    """Somebody who may see, switch off and delete people, and is no superuser."""
    user = UserFactory(is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["view_user", "change_user", "delete_user"])
    )
    client.force_login(user)
    return user


def test_it_works(admin_client):
    ann = UserFactory(username="ann", last_login=timezone.now() - timedelta(days=3))
    said = EventFactory.create_batch(3, user=ann)
    Event.objects.undo(said[0])
    guest = UserFactory(guest=True)

    rows = {person.username: person for person in admin_client.get(LIST).context["cl"].result_list}
    assert rows["ann"].n_reactions == 2
    assert rows["ann"].seen_at > timezone.now() - timedelta(hours=1)  # the last reaction, not the last login
    assert [p.username for p in admin_client.get(LIST, {"kind": "guest"}).context["cl"].result_list] == [
        guest.username
    ]
    assert [p.username for p in admin_client.get(LIST, {"q": "ann"}).context["cl"].result_list] == ["ann"]
    assert "Member" in admin_client.get(page(ann)).text


def test_no_page_shows_a_password_or_a_token(admin_client):
    ann = UserFactory()
    secret = ApiToken(label="x", reads=True).issue(ann)
    digest = ApiToken.objects.get().digest
    for url in (LIST, page(ann), page(ann, "history"), page(ann, "delete")):
        text = admin_client.get(url).text
        for hidden in (ann.password, "argon2", "md5$", secret, digest):
            assert hidden not in text
    assert "API token" not in admin_client.get(reverse("admin:index")).text


def test_nobody_is_made_and_no_name_is_changed_here(admin_client):
    ann = UserFactory(username="ann")
    assert admin_client.get(reverse("admin:auth_user_add")).status_code == 403
    admin_client.post(page(ann), {"username": "bob", "password": "x", "is_active": "on"})
    ann.refresh_from_db()
    assert ann.username == "ann"
    assert ann.has_usable_password()


def test_switching_off_ends_it_and_is_noted(client, operator):
    ann, boss = UserFactory(), UserFactory(is_superuser=True)
    theirs = Client()
    theirs.force_login(ann)

    response = act(client, "switch_off", ann, boss, operator)

    assert [str(m) for m in response.context["messages"]] == ["1 account is now switched off."]
    ann.refresh_from_db()
    boss.refresh_from_db()
    assert (ann.is_active, boss.is_active) == (False, True)
    assert theirs.get(reverse("recommender:preferences")).wsgi_request.user.is_anonymous
    assert LogEntry.objects.get().change_message == "Active: yes → no."
    act(client, "switch_on", ann)
    ann.refresh_from_db()
    assert ann.is_active


@pytest.mark.parametrize("many", [False, True])
def test_deleting_takes_everything_and_leaves_no_name(client, operator, many):
    ann = UserFactory(username="ann-of-green-gables")
    Event.objects.undo(EventFactory(user=ann))
    SavedFactory(user=ann)
    Client().force_login(ann)
    act(client, "switch_off", ann)
    sessions = Session.objects.count()

    asked = client.get(page(ann, "delete"))
    assert "with everything they said" in asked.text
    if many:
        act(client, "delete_selected", ann, post="yes")
    else:
        client.post(page(ann, "delete"), {"post": "yes"})

    assert not User.objects.filter(pk=ann.pk).exists()
    assert not Event.objects.exists()
    assert Session.objects.count() == sessions - 1
    noted = LogEntry.objects.filter(object_id=str(ann.pk))
    assert {entry.object_repr for entry in noted} == {f"Person {ann.pk}"}
    assert noted.count() == 2


def test_those_who_work_here_are_a_superusers_concern(client, operator):
    colleague = UserFactory(is_staff=True)
    assert client.post(page(colleague), {"is_active": ""}).status_code == 403
    assert client.post(page(colleague, "delete"), {"post": "yes"}).status_code == 403
    act(client, "delete_selected", colleague, operator, post="yes")
    assert User.objects.filter(pk__in=[colleague.pk, operator.pk]).count() == 2


def test_an_operator_gives_no_rights(client, operator):
    ann = UserFactory()
    client.post(page(ann), {"is_active": "on", "is_staff": "on", "is_superuser": "on"})
    ann.refresh_from_db()
    assert not ann.is_staff
    assert not ann.is_superuser


def test_a_superuser_gives_them_and_it_is_noted(admin_client):
    ann = UserFactory()
    assert admin_client.post(page(ann), {"is_active": "on", "is_staff": "on"}).status_code == 302
    ann.refresh_from_db()
    assert ann.is_staff
    assert LogEntry.objects.get().change_message == "Staff: no → yes."


def test_superusers_do_not_delete_themselves_here(admin_client, admin_user):
    assert admin_client.post(page(admin_user, "delete"), {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=admin_user.pk).exists()


def test_the_number_of_queries_does_not_grow(admin_client, django_assert_max_num_queries):
    for _ in range(15):
        EventFactory()
    with django_assert_max_num_queries(10):
        admin_client.get(LIST)
