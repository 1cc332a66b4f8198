"""Bare views: a feed of constants by the real templates, a reaction nobody notes; no database, no ranker."""

# ruff: noqa: PLC0415  # what makes the constants needs the site's settings; what serves them must not

from __future__ import annotations

import os
import pickle
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from feedback.redirects import SeeOther


@cache
def constants() -> dict[str, Any]:
    """Return what `keep_constants` left."""
    found: dict[str, Any] = pickle.loads(Path(os.environ["BARE_CONSTANTS"]).read_bytes())  # noqa: S301  # our own
    return found


def feed(request: HttpRequest) -> HttpResponse:
    return render(request, "recommender/feed.html", constants())


def react(request: HttpRequest, anime_id: int) -> HttpResponse:
    return SeeOther(request.POST["next"])


urlpatterns = [
    path("", feed),
    path("feedback/<int:anime_id>/", react),
    path("", include("nostrade_site.urls")),  # the page links to everything
]


def keep_constants(user: Any, file: Path) -> None:
    """Work out what the feed of `user` shows, once, as plain values."""
    from recommender.feed import feed_for

    page = feed_for(user)
    bar = page.bar
    names = [
        name for name in dir(bar) if not name.startswith("_") and name not in {"order", "url", "loosened"}
    ]
    plain_bar = {name: getattr(bar, name) for name in names}
    plain = SimpleNamespace(
        cards=[_card(card) for card in page.cards],
        bar=SimpleNamespace(**plain_bar),
        matches=[_match(match) for match in page.matches],
        **{name: getattr(page, name) for name in _OF_PAGE},
    )
    account = SimpleNamespace(is_authenticated=True, get_username=user.get_username())
    mine = SimpleNamespace(saved={}, is_guest=False)
    ignored = SimpleNamespace(titles=[], ids=frozenset())
    file.write_bytes(pickle.dumps({"page": plain, "user": account, "my": mine, "ignored": ignored}))


_OF_PAGE = (
    "start", "number", "next_number", "next_url", "shown", "version", "is_personal", "known", "size", "here",
    "ranked_by",
)  # fmt: skip
_OF_ITEM = (
    "pk", "name", "type", "episodes", "rating_mean", "members", "synopsis", "poster_url", "year",
    "franchise_id", "poster_version",
)  # fmt: skip


def _card(card: Any) -> SimpleNamespace:
    item = SimpleNamespace(
        get_absolute_url=card.item.get_absolute_url(),
        **{name: getattr(card.item, name) for name in _OF_ITEM},
    )
    return SimpleNamespace(
        item=item,
        genres=card.genres,
        reason=SimpleNamespace(text=card.reason.text, parts=[_part(part) for part in card.reason.parts]),
        label=card.label,
        match=card.match and _match(card.match),
        is_wildcard=card.is_wildcard,
    )


def _part(part: Any) -> SimpleNamespace:
    return SimpleNamespace(lead=part.lead, item=SimpleNamespace(pk=part.item.pk, name=part.item.name))


def _match(match: Any) -> SimpleNamespace:
    return SimpleNamespace(**{name: getattr(match, name) for name in ("slug", "words", "meaning", "marks")})
