"""What templates know of the person reading them."""

from __future__ import annotations

from functools import cached_property

from django.http import HttpRequest

from feedback.history import Reaction, history_of
from feedback.models import Saved


class Mine:
    """The reader's reactions and saved titles; each is one query, made when a template first asks."""

    def __init__(self, request: HttpRequest) -> None:
        self._user = request.user

    @cached_property
    def reactions(self) -> dict[int, Reaction]:
        return {reaction.anime_id: reaction for reaction in history_of(self._user).reactions}

    @cached_property
    def saved(self) -> frozenset[int]:
        if not self._user.is_authenticated:
            return frozenset()
        return frozenset(Saved.objects.filter(user=self._user).values_list("item_id", flat=True))


def my(request: HttpRequest) -> dict[str, Mine]:
    """Offer `my.reactions` and `my.saved` to every template."""
    return {"my": Mine(request)}
