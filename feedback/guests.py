"""Guests: people without an account whose reactions are kept all the same, in a user row of their own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, TypeGuard

from allauth.core import ratelimit
from django.contrib.auth import get_user_model, login
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.contrib.auth.models import AbstractBaseUser, User
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import get_random_string, salted_hmac

from catalog.holding import hold
from feedback.models import Dismissal, Event, LastNetwork, ListImport, Person, Saved
from feedback.models.events import serialise
from feedback.refusals import RefusedError
from feedback.teaching import let_teach, teaches
from feedback.whereabouts import note_network

GUEST_PREFIX = "guest-"
# Reactions sent at the same moment, before the first answer brought the session, belong to one guest.
SAME_VISIT = timedelta(minutes=1)
PRUNE_CHUNK = 200


def is_guest(user: Person) -> TypeGuard[User]:
    """Say whether `user` is a guest: a row made by `acting_user` that nobody has signed up with."""
    return (
        isinstance(user, User) and user.username.startswith(GUEST_PREFIX) and not user.has_usable_password()
    )


def short_name(user: User) -> str:
    """Return a name for tables, where the whole of a guest's would only take room."""
    return f"{user.username[: len(GUEST_PREFIX) + 6]}…" if is_guest(user) else user.username


def acting_user(request: HttpRequest) -> AbstractBaseUser:
    """Return who is acting; a visitor becomes a guest, and is logged in as such.

    Call it once the request is known to be carried out: a refused one must not leave a guest behind.
    It raises RefusedError (429) where one address makes too many guests.
    """
    if request.user.is_authenticated:
        if is_guest(request.user):
            request.session.modified = True  # renews the cookie, without which a guest loses everything
        note_network(request, request.user)
        return request.user
    csrf_secret = request.META.get("CSRF_COOKIE")
    guest = _guest_of_this_visit(request, csrf_secret)
    login(request, guest, backend="django.contrib.auth.backends.ModelBackend")
    if csrf_secret:
        # login() changes the CSRF token, but the forms of this page and of other tabs must still work.
        request.META["CSRF_COOKIE"] = csrf_secret
    note_network(request, guest)
    return guest


def _guest_of_this_visit(request: HttpRequest, csrf_secret: str | None) -> User:
    """Make the guest, or find the one that a simultaneous request of the same browser has just made."""
    users = get_user_model()._default_manager
    name = (
        GUEST_PREFIX + salted_hmac("feedback.guests", csrf_secret or get_random_string(32)).hexdigest()[:20]
    )
    guest = users.filter(username=name).first()
    if guest and is_guest(guest) and abs(timezone.now() - guest.date_joined) < SAME_VISIT:
        return guest
    if not ratelimit.consume(request, action="guest"):
        raise RefusedError(
            429,
            "Too many new visitors came from your network just now. Log in or sign up, and you can go on"
            " at once; without an account, try again later.",
        )
    if guest:  # made long ago and left: whoever sits here now starts anew
        name = GUEST_PREFIX + get_random_string(20, "0123456789abcdef")
    return users.get_or_create(username=name, defaults={"password": make_password(None)})[0]


def hand_over(guest: AbstractBaseUser, member: AbstractBaseUser) -> None:
    """Carry what a guest said, saved, dismissed and opted out of over to a member, and delete the guest.

    The member's own word on a title wins.
    """
    with transaction.atomic():
        serialise(guest.pk, member.pk)
        hold_titles_of(guest, Event, Saved, Dismissal)
        Event.objects.carry_over(guest, member)
        Saved.objects.bulk_create(
            (
                Saved(
                    user_id=member.pk,
                    item_id=saved.item_id,
                    created_at=saved.created_at,
                    list_import_id=saved.list_import_id,
                )
                for saved in Saved.objects.of(guest)
            ),
            ignore_conflicts=True,
        )
        ListImport.objects.of(guest).update(user_id=member.pk)  # the copies above refer to them
        Dismissal.objects.carry_over(guest, member)
        LastNetwork.objects.carry_over(guest, member)
        if not teaches(guest):  # the stricter choice wins
            let_teach(member, allowed=False)
        get_user_model()._default_manager.filter(pk=guest.pk).delete()


def hold_titles_of(person: AbstractBaseUser, *tables: type[Any]) -> None:
    """Let no merge take a title away that rows of a person are about, until the transaction ends."""
    rows: Iterable[QuerySet[Any]] = (QuerySet(table).filter(user=person.pk) for table in tables)
    hold(chain.from_iterable(each.values_list("item_id", flat=True) for each in rows))


def idle_guests(since: datetime) -> QuerySet[User]:
    """Keep the guests who neither came, reacted, saved, dismissed nor brought anything since `since`."""
    guests = get_user_model()._default_manager.filter(
        username__startswith=GUEST_PREFIX,
        password__startswith=UNUSABLE_PASSWORD_PREFIX,
        date_joined__lt=since,
    )
    reacted = Event.objects.filter(user=OuterRef("pk"), timestamp__gte=since)
    saved = Saved.objects.filter(user=OuterRef("pk"), created_at__gte=since)
    dismissed = Dismissal.objects.filter(user=OuterRef("pk"), created_at__gte=since)
    # What a list brings is as old as the list says; the upload is of today.
    brought = ListImport.objects.filter(user=OuterRef("pk"), created_at__gte=since)
    active = Exists(reacted) | Exists(saved) | Exists(dismissed) | Exists(brought)
    return guests.exclude(last_login__gte=since).exclude(active)


def prune_guests(days: int) -> int:
    """Delete the guests idle for `days` days with all they said; return how many.

    In small transactions, so that nobody else's writing waits long; a guest who acts meanwhile is left alone.
    """
    since = timezone.now() - timedelta(days=days)
    pruned = 0
    while True:
        with transaction.atomic():
            chunk = (
                idle_guests(since)
                .select_for_update(skip_locked=True)
                .values_list("pk", flat=True)[:PRUNE_CHUNK]
            )
            found = list(chunk)
            get_user_model()._default_manager.filter(pk__in=found).delete()
        pruned += len(found)
        if len(found) < PRUNE_CHUNK:
            return pruned
