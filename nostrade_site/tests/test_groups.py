"""What each of the two groups may do, and what it may not."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from nostrade_site.groups import make_groups, permissions_of

pytestmark = pytest.mark.django_db
MAY = {
    "Curators": {
        "catalog": "view_item add_item change_item merge_item"
        " view_franchise add_franchise change_franchise delete_franchise view_genre add_genre change_genre",
    },
    "Operators": {
        "auth": "view_user change_user delete_user",
        "catalog": "view_item",
        "feedback": "view_event",
        "recommender": "view_checkpoint change_checkpoint compare_lists",
    },
}


@pytest.mark.parametrize("name", MAY)
def test_a_group_may_do_so_much_and_no_more(name):
    assert name in make_groups()
    person = User.objects.create_user("somebody", is_staff=True)
    person.groups.add(Group.objects.get(name=name))
    expected = {f"{app}.{each}" for app, names in MAY[name].items() for each in names.split()}
    assert person.get_all_permissions() == expected


def test_groups_are_made_once_and_stay_as_they_were_set():
    assert make_groups() == list(MAY)
    Group.objects.get(name="Curators").permissions.clear()
    Group.objects.get(name="Operators").delete()
    assert make_groups() == ["Operators"]
    assert not Group.objects.get(name="Curators").permissions.exists()


def test_permissions_are_found_by_app_and_name():
    names = ("catalog.view_item", "auth.view_user", "catalog.no_such", "feedback.view_item")
    found = {(each.content_type.app_label, each.codename) for each in permissions_of(names)}
    assert found == {("catalog", "view_item"), ("auth", "view_user")}
    assert permissions_of(()) == []
    assert Permission.objects.filter(codename="view_item").count() == 1
