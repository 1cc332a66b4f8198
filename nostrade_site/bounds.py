"""How much one request may say, whatever it is about: its headers together, and its body."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from nostrade_site.problems import problem_response

# As much as our web worker takes of a head; other servers take more. A browser sends 2 KB.
MOST_OF_HEADERS = 32 << 10
TOO_MANY_HEADERS = "The headers of this request are too long: clear this site’s cookies and try again."
# An upload that is somewhat too large is read and dropped, so that its page can say why; a larger one is not.
TIMES_AN_UPLOAD = 4


def most_of_a_body() -> int:
    """Return how many megabytes are read at all; the views that read them have bounds of their own."""
    return max(64, settings.API_BODY_MB, TIMES_AN_UPLOAD * settings.LIST_UPLOAD_MB)


class BoundsMiddleware:
    """Refuse a request that is larger than any of ours, before anything reads it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        headers = [value for name, value in request.META.items() if name.startswith("HTTP_")]
        if sum(map(len, headers)) > MOST_OF_HEADERS:
            return _refuse(request, 431, TOO_MANY_HEADERS)
        if _length(request) > most_of_a_body() << 20:
            return _refuse(request, 413, f"Send at most {most_of_a_body()} MB at a time.")
        if "\\" in (cookies := request.META.get("HTTP_COOKIE", "")):
            # To read such cookies, Python before 3.11.10 takes the square of their length. Ours have none.
            request.META["HTTP_COOKIE"] = cookies.replace("\\", "")
        return self.get_response(request)


def _length(request: HttpRequest) -> int:
    """Read how long the body is said to be; of what is no number Django reads nothing."""
    said = request.META.get("CONTENT_LENGTH") or "0"
    return int(said[:20]) if said.isdecimal() else 0


def _refuse(request: HttpRequest, status: int, sentence: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_response(status, sentence)
    return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")
