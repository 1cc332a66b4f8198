"""The two groups that a superuser puts people into: who looks after titles, and who runs the site."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

GROUPS = {
    "Curators": (
        "catalog.view_item",
        "catalog.add_item",
        "catalog.change_item",
        "catalog.merge_item",
        "catalog.view_franchise",
        "catalog.add_franchise",
        "catalog.change_franchise",
        "catalog.delete_franchise",
        "catalog.view_genre",
        "catalog.add_genre",
        "catalog.change_genre",
    ),
    "Operators": (
        "auth.view_user",
        "auth.change_user",
        "auth.delete_user",
        "catalog.view_item",
        "feedback.view_event",
        "recommender.view_checkpoint",
        "recommender.change_checkpoint",
        "recommender.compare_lists",
    ),
}


def make_groups() -> list[str]:
    """Make the groups that are missing, and return their names; one that is there stays as it was set."""
    made = []
    for name, codes in GROUPS.items():
        group, is_new = Group.objects.get_or_create(name=name)
        if is_new:
            group.permissions.set(permissions_of(codes))
            made.append(name)
    return made


def permissions_of(codes: tuple[str, ...]) -> list[Permission]:
    """Return the permissions of these names, as `user.has_perm` takes them."""
    wanted = Q(pk=None)
    for code in codes:
        app, _, codename = code.partition(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    return list(Permission.objects.filter(wanted))
