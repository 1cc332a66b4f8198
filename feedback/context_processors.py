"""What templates know of the person reading them."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from feedback.dismissals import Dismissed, dismissed_by
from feedback.guests import is_guest
from feedback.history import Reaction, history_of
from feedback.models import Saved
from feedback.readers import reader_of


class Mine:
    """The reader's reactions, saved and dismissed titles; each is one query, made when first asked for."""

    def __init__(self, request: HttpRequest) -> None:
        # A request refused before it was authenticated, say for its Host header, has no user yet.
        self._user = getattr(request, "user", AnonymousUser())

    @cached_property
    def reactions(self) -> dict[int, Reaction]:
        return {reaction.anime_id: reaction for reaction in history_of(self._user).reactions}

    @cached_property
    def saved(self) -> dict[int, datetime]:
        """Map the saved titles to when they were saved, the last one first."""
        return dict(Saved.objects.of(self._user).values_list("item_id", "created_at"))

    @cached_property
    def dismissed(self) -> Dismissed:
        return dismissed_by(self._user)

    @property
    def not_now_days(self) -> int:
        return settings.NOT_NOW_DAYS

    @property
    def reader(self) -> str:
        """Name who the page is made for, so that it can tell when it is somebody else's."""
        return reader_of(self._user)

    @property
    def is_guest(self) -> bool:
        """Logging out would lose everything: such a reader is offered to sign up instead."""
        return is_guest(self._user)


def my(request: HttpRequest) -> dict[str, Mine]:
    """Offer `my.reactions`, `my.saved`, `my.dismissed` and `my.is_guest` to every template."""
    return {"my": Mine(request)}
