"""What templates know of the causes that their reader ignores."""

from __future__ import annotations

from functools import cached_property

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from catalog.models import Item
from recommender.models import Ignored


class IgnoredTitles:
    """The titles whose reaction the reader does not want to count: one query, when a template first asks."""

    def __init__(self, request: HttpRequest) -> None:
        # A request refused before it was authenticated, say for its Host header, has no user yet.
        self._user = getattr(request, "user", AnonymousUser())

    @cached_property
    def titles(self) -> list[Item]:
        rows = Ignored.objects.of(self._user).of_standing_reactions().select_related("item")
        return [row.item for row in rows]

    @cached_property
    def ids(self) -> frozenset[int]:
        return frozenset(item.pk for item in self.titles)


def ignored(request: HttpRequest) -> dict[str, IgnoredTitles]:
    """Offer `ignored.titles` and `ignored.ids` to every template."""
    return {"ignored": IgnoredTitles(request)}
