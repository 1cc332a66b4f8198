"""Forms of a page that was opened for another visit than this: kept, shown once more, and sent on one press.

Somebody logged in or out in another tab, the cookies were cleared, the session ended: the page in front of
the reader still says who they were. What it sends must not be lost, and must not be carried out for somebody
else unseen. A form that comes from another site is not kept: one press would carry out what that site wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import REASON_NO_CSRF_COOKIE
from django.shortcuts import render
from django.urls import Resolver404, resolve

from catalog.models import Item
from catalog.visibility import shows_adult
from feedback.guests import is_guest
from feedback.models import Dismissal, Event, ListImport
from feedback.readers import HEADER, is_another, reader_of
from feedback.redirects import leads_here
from nostrade_site.problems import problem_response

LONGEST = 2000  # characters of a field that is kept
ELSEWHERE = "This form was sent from another site, or from an unknown one, so nothing was done."
NO_COOKIES = (
    "Your browser sends this site no cookies, and without them no form is safe. Allow them, and send again."
)
CLEARED = "The cookies of this site were deleted since this page was opened, so nothing has been sent yet."
CHANGED = (
    "Since this page was opened, somebody logged in or out in another tab, so nothing has been sent yet."
)
ENDED = "Since this page was opened, your log-in or visit has ended, so nothing has been sent yet."


@dataclass(frozen=True)
class Kept:
    """A form that may be sent again: its fields, and what it does, in words."""

    fields: tuple[str, ...]
    words: Callable[[HttpRequest, Mapping[str, int]], str]  # empty where it is no form of this person


def _reaction(request: HttpRequest, about: Mapping[str, int]) -> str:
    names = {"0": "Take back what you said about", "1": "Dislike", "2": "Like", "3": "Love"}
    said = names.get(request.POST.get("feedback_type", ""), "")
    return said and f"{said} {_title(request, about)}"


def _saving(request: HttpRequest, about: Mapping[str, int]) -> str:
    said = {"0": "No longer save", "1": "Save"}.get(request.POST.get("saved", ""), "")
    return said and f"{said} {_title(request, about)}"


def _dismissal(request: HttpRequest, about: Mapping[str, int]) -> str:
    hides = {"seen": "Seen it", "not-now": "Not now", "franchise": "Not this franchise"}
    if (kind := request.POST.get("hide", "")) in hides:
        return f"{hides[kind]}: {_title(request, about)}"
    return (
        f"Show again: {_title(request, about)}" if request.POST.get("show") in Dismissal.Kind.values else ""
    )


def _own_event(request: HttpRequest, about: Mapping[str, int]) -> str:
    event = Event.objects.of(request.user).filter(pk=about["event_id"]).select_related("item").first()
    return f"Undo what you said about “{event.item}”" if event else ""


def _own_list(words: str) -> Callable[[HttpRequest, Mapping[str, int]], str]:
    return lambda request, about: (
        words if ListImport.objects.of(request.user).filter(pk=about["pk"]).exists() else ""
    )


def _about_title(words: str) -> Callable[[HttpRequest, Mapping[str, int]], str]:
    return lambda request, about: f"{words} {_title(request, about)}"


def _title(request: HttpRequest, about: Mapping[str, int]) -> str:
    """Name a title, where the reader of now may see it."""
    item = Item.objects.visible(adult=shows_adult(request)).meant_by(about["anime_id"])
    return f"“{item}”" if item else "a title"


UNDO = ("since", "undo")
KEPT: dict[str, Kept] = {
    "feedback:react": Kept(("feedback_type",), _reaction),
    "feedback:undo": Kept((), _own_event),
    "feedback:save": Kept(("saved", *UNDO), _saving),
    "feedback:dismiss": Kept(("hide", "show", *UNDO), _dismissal),
    "recommender:ignore": Kept((), _about_title("Do not count what you said about")),
    "recommender:count": Kept((), _about_title("Count again what you said about")),
    "recommender:keep": Kept(("view",), lambda *_: "Let the feed open like this from now on"),
    "recommender:preferences": Kept(
        ("wildcards", "show_adult", "time_zone", "teaches"), lambda *_: "Save the preferences you chose"
    ),
    "feedback:list_confirm": Kept(("conflicts",), _own_list("Bring in the list")),
    "feedback:list_discard": Kept((), _own_list("Discard the list")),
    "feedback:list_undo": Kept((), _own_list("Take the list back")),
    "feedback:list_resume": Kept((), _own_list("Go on with the list")),
}


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token does not fit (the setting CSRF_FAILURE_VIEW)."""
    if request.path.startswith("/api/"):
        return problem_response(403, f"{reason} Send X-CSRFToken with the session, or use a token.")
    if not comes_from_here(request):
        return render(request, "403_csrf.html", {"sentence": ELSEWHERE}, status=403)
    if reason != REASON_NO_CSRF_COOKIE:
        return ask(request, CHANGED, 403)
    return ask(request, NO_COOKIES if "resent" in request.POST else CLEARED, 403)


def comes_from_here(request: HttpRequest) -> bool:
    """Say whether the browser vouches for a page of this very site; where it says nothing, none does."""
    ours = {f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS}
    for header in ("Origin", "Referer"):
        if header in request.headers:
            try:
                parts = urlsplit(request.headers[header])
            except ValueError:
                return False
            return f"{parts.scheme}://{parts.netloc}" in ours
    return request.headers.get("Sec-Fetch-Site") == "same-origin"


def ask(request: HttpRequest, sentence: str, status: int) -> HttpResponse:
    """Show what would be sent, for whom, and a button; for HTMX as a notice on the page that asked."""
    htmx = "HX-Request" in request.headers
    member = request.user.is_authenticated and not is_guest(request.user)
    context = {
        "sentence": sentence,
        "member": request.user.get_username() if member else "",
        "reader": reader_of(request.user),
        "back": _page_of(request),
        **_kept(request, htmx),
    }
    template = "_stale_toast.html" if htmx else "403_csrf.html"
    response = render(request, template, context, status=status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _kept(request: HttpRequest, htmx: bool) -> dict[str, object]:
    """Return the form to send again: nothing but its known fields, so that no password is ever shown."""
    try:
        match = resolve(request.path)
    except Resolver404:
        return {}
    form = KEPT.get(match.view_name)
    words = form.words(request, match.kwargs) if form else ""
    if form is None or not words:
        return {}
    there = _page_of(request) if htmx else request.POST.get("next", "")
    fields = [(name, request.POST[name]) for name in form.fields if name in request.POST]
    fields += [("next", there)] if leads_here(request, there) else []
    if any(len(value) > LONGEST for _, value in fields):
        return {}
    return {"words": words, "fields": fields, "action": request.path}


def _page_of(request: HttpRequest) -> str:
    """Return the page that the form stood on, as the browser says; empty where it is none of ours."""
    page = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    return page if leads_here(request, page) else ""


class StaleFormMiddleware:
    """Ask before a form is carried out for somebody else than its page was made for.

    HTMX names that reader in a header. A plain form cannot; but a session that is no more shows that there
    was one. Answers to HTMX name the reader of now.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if HEADER in request.headers:
            response.headers[HEADER] = reader_of(request.user)
        return response

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> HttpResponse | None:
        match = request.resolver_match
        if request.method != "POST" or match is None or match.view_name not in KEPT:
            return None
        if (said := request.headers.get(HEADER)) is not None:
            return ask(request, CHANGED, 409) if is_another(said, request.user) else None
        if not _has_ended(request):
            return None
        request.session.flush()  # said once: the next press is a visitor's
        return ask(request, ENDED, 409)


def _has_ended(request: HttpRequest) -> bool:
    """Say whether the request comes with a session of somebody who is not logged in by it any more."""
    if request.user.is_authenticated or not request.COOKIES.get(settings.SESSION_COOKIE_NAME):
        return False
    return request.session.is_empty() or SESSION_KEY in request.session
