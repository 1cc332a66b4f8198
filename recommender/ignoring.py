"""Ignoring a cause: its reaction stays, its title stays masked, and the recommendations forget it."""

from __future__ import annotations

from django.db import transaction

from catalog.holding import hold_title
from catalog.models import Item, is_about
from feedback.models import Event, Person
from feedback.refusals import RefusedError
from recommender.models import Ignored


def ignore(user: Person, anime_id: int) -> Item:
    """Let a reaction of `user` not count, and return its title; saying so again changes nothing.

    Raises RefusedError where they said nothing about the title.
    """
    with transaction.atomic():
        said = Event.objects.of(user).standing().filter(item__anime_id=hold_title(anime_id))
        event = said.select_related("item").last()
        if event is None:
            raise RefusedError(404, "You said nothing about this title, so there is nothing to leave out.")
        Ignored.objects.get_or_create(user_id=event.user_id, item=event.item)
        return event.item


def count_again(user: Person, anime_id: int) -> Item | None:
    """Let the reaction to a title count as before; return the title, or None where it did all along."""
    row = Ignored.objects.of(user).filter(is_about(anime_id)).select_related("item").first()
    if row is None:
        return None
    row.delete()
    return row.item
