"""What the admin's lists can be asked: the filters they show, and no column beside them.

Django lets whoever may see a list filter it by any column of the table, and so guess a password's hash
letter by letter (`?password__startswith=`). Every admin that is registered is tried.
"""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.tests.factories import FranchiseFactory, ItemFactory
from feedback.tests.factories import EventFactory, UserFactory
from nostrade_site.groups import make_groups
from nostrade_site.tokens.models import ApiToken

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_ranker")]
SECRETS = {"password", "digest", "password_mark", "session_key", "session_data", "key_digest"}
ADDRESSES = {"email"}
FORMS = (
    "", "__exact", "__startswith", "__istartswith", "__contains", "__regex", "__gt", "__lte", "__in",
    "__isnull", "__range", "__length",
)  # fmt: skip
HOPS = 3  # from person to event to person, and further than any page reaches


def secret_paths(model: type[models.Model], hops: int = HOPS, before: str = "") -> list[str]:
    """Return the look-ups of all secrets and addresses that lead from a table over its relations."""
    found = []
    for field in model._meta.get_fields():
        if field.name in SECRETS | ADDRESSES:
            found.append(before + field.name)
        elif field.is_relation and field.related_model and hops:
            found += secret_paths(field.related_model, hops - 1, f"{before}{field.name}__")
    return found


def lists() -> dict[type[models.Model], str]:
    return {
        model: reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    }


def asked_for(sql: str) -> str:
    """Return the part of a statement that chooses and orders rows."""
    return sql.partition(" WHERE ")[2] + sql.partition(" ORDER BY ")[2]


@pytest.fixture
def operator() -> Client:
    make_groups()
    user, client = UserFactory(is_staff=True), Client()
    user.groups.add(Group.objects.get(name="Operators"))
    client.force_login(user)
    return client


@pytest.mark.parametrize("way", FORMS)
def test_an_operator_cannot_ask_for_a_password(operator: Client, way: str) -> None:
    victim = UserFactory(is_superuser=True)
    assert operator.get(lists()[User], {f"password{way}": victim.password}).status_code == 400


def test_no_list_can_be_asked_for_a_secret(admin_client: Client) -> None:
    """By somebody who may see every list, in every form, over every relation."""
    EventFactory()
    asked = [(model, path + way) for model in lists() for path in secret_paths(model) for way in FORMS]
    assert len(asked) > 1000
    assert {"user__password__startswith", "user__api_tokens__digest__gt"} <= {path for _, path in asked}
    allowed = [
        (model, path) for model, path in asked if admin.site._registry[model].lookup_allowed(path, "1")
    ]
    assert allowed == []
    near = [(lists()[model], path) for model, path in asked if path.endswith("startswith") and len(path) < 40]
    assert len(near) > 50
    assert {admin_client.get(url, {path: "1"}).status_code for url, path in near} == {400}


def test_only_the_filters_that_a_list_shows_are_open(admin_client: Client) -> None:
    """Whatever the column: who may see a page may still not ask more than it shows."""
    for model, url in lists().items():
        shown = "".join(str(found) for found in admin.site._registry[model].list_filter)
        for field in model._meta.concrete_fields:
            if field.name in shown or field.name == admin.site._registry[model].date_hierarchy:
                continue
            assert admin_client.get(url, {field.name: "1"}).status_code == 400, (url, field.name)


def test_the_filters_of_the_lists_still_work(admin_client: Client) -> None:
    """Every choice that any list offers is followed."""
    event = EventFactory(item=ItemFactory(franchise=FranchiseFactory(), genres=["Drama", "Comedy"]))
    followed = []
    for url in lists().values():
        shown = admin_client.get(url).context["cl"]
        offered = [each["query_string"] for spec in shown.filter_specs for each in spec.choices(shown)]
        followed += [(url + query, admin_client.get(url + query).status_code) for query in offered]
    assert len(followed) > 20
    assert any("genres__" in where for where, _ in followed)
    assert {where: status for where, status in followed if status != 200} == {}
    day = {f"timestamp__{part}": getattr(event.timestamp, part) for part in ("year", "month", "day")}
    assert admin_client.get(reverse("admin:feedback_event_changelist"), day).status_code == 200


def test_no_order_search_or_facet_is_by_a_secret(admin_client: Client) -> None:
    ApiToken(label="x").issue(UserFactory(email="nami@sea.example"))
    for url in lists().values():
        asked = [
            {"o": ".".join(str(n) for n in range(12))},
            {"o": "-3.password"},
            {"q": "md5$"},
            {"_facets": "1"},
        ]
        for query in asked:
            with CaptureQueriesContext(connection) as made:
                assert admin_client.get(url, query).status_code == 200, (url, query)
            by = " ".join(asked_for(each["sql"]) for each in made.captured_queries)
            assert not [
                name for name in SECRETS if f'"{name}"' in by.replace('"django_session"."session_key"', "")
            ]


@pytest.mark.parametrize("to_field", ["password", "email", "last_login"])
def test_no_pop_up_answers_with_a_secret(admin_client: Client, to_field: str) -> None:
    assert admin_client.get(lists()[User], {"_popup": "1", "_to_field": to_field}).status_code == 400


def test_completing_a_name_takes_the_right_to_see_people() -> None:
    """The search of people knows addresses: it answers those alone who may read them on the person's page."""
    UserFactory(email="nami@sea.example")
    for codes, status in ((["view_event"], 403), (["view_event", "view_user"], 200)):
        user, client = UserFactory(is_staff=True), Client()
        user.user_permissions.set(Permission.objects.filter(codename__in=codes))
        client.force_login(user)
        asked = {"app_label": "feedback", "model_name": "event", "field_name": "user", "term": "nami@"}
        assert client.get(reverse("admin:autocomplete"), asked).status_code == status


def test_an_export_takes_no_other_filters_than_its_list(admin_client: Client) -> None:
    url = reverse("admin:catalog_item_export")
    secret = {"events__user__password__startswith": "md5$"}
    answer = admin_client.get(url, secret)
    assert (answer.status_code, answer["Location"]) == (302, reverse("admin:catalog_item_changelist"))


def test_the_api_reads_no_column_by_its_name(client: Client) -> None:
    """A filter that is none is passed over: it neither fails nor changes what is answered."""
    UserFactory()
    plain = client.get("/api/v1/items/").json()
    for name in ("events__user__password__startswith", "saved__user__email", "ordering", "search"):
        assert client.get("/api/v1/items/", {name: "md5$"}).json() == plain
