"""How often a password may be guessed, so that a stranger does not lock out a member.

Wrong passwords count for the network that they come from and the name together. A name has a count of its
own too, for guesses from everywhere. That one stops strangers, and not the browsers in which the member was
logged in before: a signed cookie knows them, and each counts for itself.
"""

from __future__ import annotations

from allauth.core.internal import ratelimit
from allauth.core.internal.ratelimit import RateLimitUsage
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import get_random_string

from feedback.guests import is_guest
from nostrade_site.accounts.identity import meant_by
from nostrade_site.accounts.names import LONGEST_LOGIN, key_of

APP = "allauth.account"
COOKIE, SALT = "known", "nostrade_site.accounts.guessing"
COOKIE_PATH = "/accounts/"
MOST_PEOPLE = 8  # of one browser


def count(request: HttpRequest, login: str) -> RateLimitUsage | None:
    """Count an attempt, or return nothing where there were too many. It can be rolled back."""
    name, (source, people) = key_of(login[:LONGEST_LOGIN]), _known(request)
    if people and any(person and person.pk in people for person in meant_by(login)):
        return _consume(request, "login_failed_known", f"{source} {name}")
    here = _consume(request, "login_failed", f"{ratelimit.get_ip(request)} {name}")
    anywhere = here and _consume(request, "login_failed_anywhere", name)
    return RateLimitUsage([*here.usage, *anywhere.usage]) if here and anywhere else None


def whose_to_try(request: HttpRequest, login: str) -> list[User | None]:
    """Return whose password to try: a known browser may try only the people it knows.

    Else whoever claims somebody's address, and so is one of those it means, could guess on at the other one.
    """
    found, (_, people) = meant_by(login), _known(request)
    known = [person if person and person.pk in people else None for person in found]
    return known if any(known) else found


def forget(request: HttpRequest, login: str) -> None:
    """Forget the failures of somebody who has proved to be who they are by other means."""
    name = key_of(login[:LONGEST_LOGIN])
    here = f"{ratelimit.get_ip(request)} {name}"
    for action, key in (("login_failed", here), ("login_failed_anywhere", name)):
        ratelimit.clear(request, app=APP, action=action, key=key)


def remember(request: HttpRequest, response: HttpResponse, person: User) -> None:
    """Let the browser prove from now on that this person was logged in here."""
    browser, people = _from_cookie(request)
    people = [*(pk for pk in people if pk != person.pk), person.pk][-MOST_PEOPLE:]
    response.set_signed_cookie(
        COOKIE,
        " ".join(map(str, (browser or get_random_string(22), *people))),
        salt=SALT,
        max_age=settings.SESSION_COOKIE_AGE,
        path=COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _known(request: HttpRequest) -> tuple[str, list[int]]:
    """Return what counts for itself, and who it is known to be: somebody logged in, or else a browser.

    A token is neither: what is guessed with one counts as what is guessed without.
    """
    if SESSION_KEY in request.session and not is_guest(request.user):
        return f"person {request.user.pk}", [int(request.session[SESSION_KEY])]
    return _from_cookie(request)


def _from_cookie(request: HttpRequest) -> tuple[str, list[int]]:
    """Return the browser's own mark, and who was logged in there; nothing where it is unknown or forged."""
    value = request.get_signed_cookie(COOKIE, "", salt=SALT, max_age=settings.SESSION_COOKIE_AGE)
    browser, *people = (value or "").split() or [""]
    return browser, [int(pk) for pk in people]


def _consume(request: HttpRequest, action: str, key: str) -> RateLimitUsage | None:
    usage: RateLimitUsage | None = ratelimit.consume(request, app=APP, action=action, key=key)
    return usage
