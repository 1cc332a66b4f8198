"""The account that a typed name or address means, and the keys that keep one name to one person."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from feedback.guests import GUEST_PREFIX
from nostrade_site.accounts.names import LONGEST_LOGIN, key_of, spelled
from nostrade_site.models import AccountName

AT_A_TIME = 500
LONGEST_KEY = 255


def called(name: str) -> User | None:
    """Return who has this name: exactly as it is spelled, or else in another spelling of it."""
    if len(name) > LONGEST_LOGIN:
        return None
    people = User.objects.filter(username__in={name, spelled(name)})
    if found := sorted(people, key=lambda person: person.username != name):
        return found[0]
    return User.objects.filter(account_name__key=key_of(name)).first()


def holder_of(address: str) -> User | None:
    """Return who has confirmed an address."""
    found = EmailAddress.objects.filter(email=address.lower(), verified=True).select_related("user").first()
    return found.user if found else None


def claimants_of(address: str) -> QuerySet[User]:
    """Keep those who gave an address as their main one and confirmed none, the first of them first."""
    confirmed = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)
    return User.objects.filter(~Exists(confirmed), email=address.lower()).order_by("pk")


def meant_by(login: str) -> list[User | None]:
    """Return whose password it could be, with None in the place of an account that is not there.

    An address means who confirmed it, and the newest of those who claim it, so that a claim of one's own
    always works and says nothing about other people's; it may also be the name of somebody who was here
    before names had no “@”.
    """
    if "@" not in login:
        return [called(login)]
    return [holder_of(login), claimants_of(login).last(), called(login)]


def is_taken(name: str) -> bool:
    """Say whether a name, in any spelling, is somebody's."""
    return called(name) is not None


def take_name(person: User) -> None:
    """Give somebody the key of their name, within a transaction; IntegrityError where another one has it."""
    AccountName.objects.update_or_create(user=person, defaults={"key": key_of(person.username)})


def keep_names() -> int:
    """Give a key to everybody without one: made by a command, or restored from an older backup."""
    return give_keys(User, AccountName)


def give_keys(people: Any, names: Any) -> int:
    """Give keys to those without one, in batches, and return to how many; it may be run again.

    Where two names are spellings of one, the plainly spelled one gets the key, or else the older one.
    The other one gets a key that no name has, and logs in by the name exactly as it is spelled.
    """
    members = people.objects.filter(account_name=None).exclude(
        username__startswith=GUEST_PREFIX, password__startswith=UNUSABLE_PASSWORD_PREFIX
    )
    found = list(members.order_by("pk").values_list("pk", "username"))
    found.sort(key=lambda row: spelled(row[1]) != row[1])
    for start in range(0, len(found), AT_A_TIME):
        with transaction.atomic():
            _give(found[start : start + AT_A_TIME], names)
    return len(found)


def _give(batch: list[tuple[int, str]], names: Any) -> None:
    wanted = {pk: key_of(name) for pk, name in batch}
    taken = set(names.objects.filter(key__in=set(wanted.values())).values_list("key", flat=True))
    rows = []
    for pk, key in wanted.items():
        free = key and key not in taken and len(key) <= LONGEST_KEY
        rows.append(names(user_id=pk, key=key if free else f"#{pk}"))  # no name has a “#”
        taken.add(key)
    names.objects.bulk_create(rows, ignore_conflicts=True)
