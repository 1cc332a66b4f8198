"""Whose an address is: that of whoever confirms it, by a mail that was sent there. Anybody may claim it."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction


def take_from_others(address: EmailAddress) -> None:
    """End every other account's claim of an address that was confirmed, within the same transaction."""
    EmailAddress.objects.filter(email=address.email).exclude(user_id=address.user_id).delete()
    User.objects.filter(email__iexact=address.email).exclude(pk=address.user_id).update(email="")


def settle(person: User) -> None:
    """Keep of somebody's addresses what a reset of their password has proved.

    A link goes to a confirmed address, or where there is none to the main one, which it thereby confirms.
    What else was only claimed goes: whoever had the account before could have it back by that.
    """
    theirs = EmailAddress.objects.filter(user=person)
    main = theirs.filter(email=person.email.lower()).first()
    if main is None or theirs.filter(verified=True).exists() or not main.can_set_verified():
        theirs.filter(verified=False, primary=False).delete()
        return
    try:
        with transaction.atomic():
            theirs.exclude(pk=main.pk).delete()
            EmailAddress.objects.filter(pk=main.pk).update(verified=True, primary=True)
            take_from_others(main)
    except IntegrityError:  # another account's confirmation was quicker: the address is theirs
        return
