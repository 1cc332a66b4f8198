"""What templates know of the person reading them."""

from __future__ import annotations

from functools import cached_property

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from feedback.guests import is_guest
from feedback.history import Reaction, history_of
from feedback.models import Saved


class Mine:
    """The reader's reactions and saved titles; each is one query, made when a template first asks."""

    def __init__(self, request: HttpRequest) -> None:
        # A request refused before it was authenticated, say for its Host header, has no user yet.
        self._user = getattr(request, "user", AnonymousUser())

    @cached_property
    def reactions(self) -> dict[int, Reaction]:
        return {reaction.anime_id: reaction for reaction in history_of(self._user).reactions}

    @cached_property
    def saved(self) -> frozenset[int]:
        return frozenset(Saved.objects.of(self._user).values_list("item_id", flat=True))

    @property
    def is_guest(self) -> bool:
        """Logging out would lose everything: such a reader is offered to sign up instead."""
        return is_guest(self._user)


def my(request: HttpRequest) -> dict[str, Mine]:
    """Offer `my.reactions`, `my.saved` and `my.is_guest` to every template."""
    return {"my": Mine(request)}
