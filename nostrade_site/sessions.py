"""Sessions that end while a request of theirs is under way: in another tab, or by a second press."""

from __future__ import annotations

import logging

from django.contrib.sessions import middleware
from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)


class SessionMiddleware(middleware.SessionMiddleware):
    """Django's, which lets the answer stand where the session is no more.

    Django would say 400, "a muddled request", of what was carried out. What the request wanted to note in the
    session goes with it: whoever ended it, by logging in or out, has given the browser another one, or none.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            return super().process_response(request, response)
        except SessionInterrupted:
            logger.info("The session of %s %s ended meanwhile", request.method, request.path)
            return response
