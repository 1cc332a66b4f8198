"""Holding a password against whoever a typed name or address means, in the same time for everybody."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from nostrade_site.accounts.guessing import whose_to_try
from nostrade_site.accounts.identity import meant_by
from nostrade_site.tokens.models import keep_tokens


class Backend(AuthenticationBackend):
    """Try one password for a name, and three for an address, however many accounts that means.

    So the time says nothing about who is registered, and a thousand accounts that claim one address cost no
    more than one. The other backends in the settings know the sessions that began under their names.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """Return whose password it is; PermissionDenied, which keeps the other backends from trying too."""
        login, password = credentials.get("username") or credentials.get("email"), credentials.get("password")
        if not login or not password:
            return None
        for person in whose_to_try(request, login) if request else meant_by(login):
            if person is None:
                self._mitigate_timing_attack(password)
            elif self._check_password(person, password):
                return person
        raise PermissionDenied

    def _check_password(self, user: User, password: str) -> User | None:
        """Keep the tokens where Django writes an old password's hash in a newer form."""
        before = user.password
        proven: User | None = super()._check_password(user, password)
        if user.password != before:
            keep_tokens(user, before)
        return proven
