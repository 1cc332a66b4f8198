"""The permission matrix of the admin: every page, for everybody who may come."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from catalog.tests.factories import FranchiseFactory, ItemFactory
from feedback.models import Dismissal
from feedback.tests.factories import EventFactory, SavedFactory, UserFactory
from nostrade_site.groups import GROUPS, make_groups, permissions_of
from recommender.models import Checkpoint, Ignored, Preferences

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_ranker")]
ROLES = (
    "anonymous",
    "member",
    "helper",
    "curator",
    "operator",
    "superuser",
)  # a helper is staff without rights


# "helper" is staff without rights. Whoever is not staff is sent to the log-in page.
NOBODY = (302, 302, 403, 403, 403, 403)
ROOT = (302, 302, 403, 403, 403, 200)
CURATORS = (302, 302, 403, 200, 403, 200)
OPERATORS = (302, 302, 403, 403, 200, 200)
BOTH = (302, 302, 403, 200, 200, 200)
STAFF = (302, 302, 200, 200, 200, 200)
SAID = (ROOT, NOBODY, ROOT, ROOT, ROOT)  # by people: to look at and to delete, in nobody's name to say
PAGES = ("changelist", "add", "change", "delete", "history")
MODELS = {
    "account_emailaddress": (ROOT,) * 5,
    "auth_group": (ROOT,) * 5,
    "auth_user": (OPERATORS, NOBODY, OPERATORS, OPERATORS, OPERATORS),
    "catalog_franchise": (CURATORS,) * 5,
    "catalog_genre": (CURATORS, CURATORS, CURATORS, ROOT, CURATORS),
    "catalog_item": (BOTH, CURATORS, BOTH, ROOT, BOTH),
    "feedback_dismissal": SAID,
    "feedback_event": (OPERATORS, NOBODY, OPERATORS, NOBODY, OPERATORS),
    "feedback_saved": SAID,
    "recommender_checkpoint": (OPERATORS, NOBODY, OPERATORS, NOBODY, OPERATORS),
    "recommender_ignored": SAID,
    "recommender_preferences": (ROOT, NOBODY, ROOT, NOBODY, ROOT),
}
MATRIX = {
    f"{model}_{page}": expected
    for model, by_page in MODELS.items()
    for page, expected in zip(PAGES, by_page, strict=True)
} | {
    "app_list": (302, 302, 404, 200, 200, 200),
    "autocomplete": NOBODY,  # it names no field
    "catalog_item_export": BOTH,
    "catalog_item_import": CURATORS,
    "catalog_item_merge": (302, 302, 403, 302, 403, 302),  # without titles, back to the list
    "catalog_item_process_import": (302, 302, 403, 302, 403, 302),
    "dashboard": OPERATORS,
    "index": STAFF,
    "jsi18n": STAFF,
    "login": (302, 403, 302, 302, 302, 302),  # to the log-in page of everybody, and back
    "logout": STAFF,
    "password_change": STAFF,
    "password_change_done": STAFF,
    "recommender_checkpoint_compare": OPERATORS,
    "recommender_checkpoint_log": OPERATORS,
    "recommender_checkpoint_online": OPERATORS,
    "recommender_checkpoint_promote": (302, 302, 403, 403, 302, 302),
    "recommender_checkpoint_retrain": (302, 302, 403, 403, 302, 302),
    "recommender_checkpoint_roll_back": (302, 302, 403, 403, 302, 302),
    "view_on_site": (302, 302, 404, 404, 404, 404),  # of nothing that has a page
}


def routes(patterns: list[URLPattern | URLResolver] | None = None) -> Iterator[str]:
    """Yield the name of every page of the admin."""
    for pattern in admin.site.get_urls() if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns)
        elif pattern.name:
            yield pattern.name


@pytest.fixture
def rows():
    """A row of everything, by the model's name."""
    event = EventFactory(item=ItemFactory(franchise=FranchiseFactory(), genres=["Drama"]))
    person, item = event.user, event.item
    return {
        "user": person,
        "group": Group.objects.create(name="Others"),
        "item": item,
        "genre": item.genres.get(),
        "franchise": item.franchise,
        "event": event,
        "saved": SavedFactory(),
        "dismissal": Dismissal.objects.dismiss(person, item, Dismissal.Kind.SEEN),
        "checkpoint": Checkpoint.objects.create(version="v", state="rejected"),
        "ignored": Ignored.objects.create(user=person, item=item),
        "preferences": Preferences.objects.create(user=person),
        "emailaddress": person.emailaddress_set.create(email="a@example.org"),
    }


@pytest.fixture
def people():
    make_groups()
    made = {role: Client() for role in ROLES}
    for role in ROLES[1:]:
        user = UserFactory(is_staff=role != "member", is_superuser=role == "superuser")
        if role in ("curator", "operator"):
            user.groups.add(Group.objects.get(name=f"{role.title()}s"))
        made[role].force_login(user)
    return made


def status(client, name, rows):
    """Ask for a page as a browser would first: those that only take a form are sent an empty one."""
    model, page = name.rpartition("_")[0].partition("_")[2], name.rpartition("_")[2]
    args = []
    if name.startswith("password"):
        model = ""
    elif page in ("change", "delete", "history", "compare", "log", "promote") or name.endswith("roll_back"):
        args = [rows["checkpoint" if "checkpoint" in name else model].pk]
    elif name == "app_list":
        args = ["catalog"]
    elif name == "view_on_site":
        args = [1, 1]
    url = reverse(f"admin:{name}", args=args)
    posted = page in ("promote", "retrain", "back") or name == "logout"
    return (client.post if posted else client.get)(url).status_code


def test_no_page_is_missing():
    assert set(routes()) == set(MATRIX)


def test_who_may_see_what(people, rows):
    """All in one test: what takes its time is making the people."""
    names = sorted(MATRIX, key=lambda name: name == "logout")  # after which nobody is anybody
    found = {name: tuple(status(people[role], name, rows) for role in ROLES) for name in names}
    assert found == MATRIX


def test_nobody_changes_what_somebody_else_asked_for(people, rows):
    """Not even a superuser, whose own preferences have a page of the site."""
    asked = rows["preferences"]
    sent = {"user": asked.user_id, "show_adult": "on", "controls": "in=Action", "wildcards": 3, "post": "yes"}
    for page in ("change", "delete"):
        url = reverse(f"admin:recommender_preferences_{page}", args=[asked.pk])
        assert people["superuser"].post(url, sent).status_code == 403
    stored = Preferences.objects.values("user_id", "show_adult", "controls", "wildcards")
    assert stored.get() == {"user_id": asked.user_id, "show_adult": False, "controls": "", "wildcards": 1}


def test_the_groups_have_what_they_name_and_stay_as_somebody_set_them():
    assert make_groups() == ["Curators", "Operators"]
    for name, codes in GROUPS.items():
        user = User.objects.create_user(name)
        user.groups.add(Group.objects.get(name=name))
        assert user.get_all_permissions() == set(codes)
    curators = Group.objects.get(name="Curators")
    curators.permissions.set(permissions_of(("catalog.view_item",)))
    assert make_groups() == []
    assert curators.permissions.count() == 1
