"""How often somebody may ask: reading, writing and scoring each have a limit, and visitors one for all."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle

from feedback.networks import client_network
from nostrade_site.tokens.authentication import scope_of

SCORE = "score"


class VisitorThrottle(AnonRateThrottle):
    """Count what all without an account ask for from one network."""

    def get_ident(self, request: Request) -> str:
        return client_network(request)


class ScopeThrottle(SimpleRateThrottle):
    """Count what a person asks for in each scope, with all their tokens and browsers together.

    Whoever is not logged in is counted by network: what they score, beside all that they ask for.
    """

    def __init__(self) -> None:
        """Wait for the request, which tells the scope and so the rate."""

    def allow_request(self, request: Request, view: Any) -> bool:
        self.scope = scope_of(request)
        if not request.user.is_authenticated and self.scope != SCORE:
            return True  # VisitorThrottle counts them
        self.rate = self.get_rate()
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return bool(super().allow_request(request, view))

    def get_cache_key(self, request: Request, view: Any) -> str:
        ident = request.user.pk if request.user.is_authenticated else client_network(request)
        return self.cache_format % {"scope": self.scope, "ident": ident}
