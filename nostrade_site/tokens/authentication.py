"""`Authorization: Bearer …`: the acting person is the token's owner, within the token's scopes."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from nostrade_site.tokens.models import ApiToken

CHALLENGE = 'Bearer realm="Nostrade API"'  # of a 401: what to come with (RFC 6750)


class TokenAuthentication(BaseAuthentication):
    """Let a program in with a token.

    The scope is checked here, and not in a permission class, because a view that names its own permissions
    would drop that one: so no route can be forgotten. Reading needs `read` and all else `write`, unless the
    view names another scope (`needs_scope`).
    """

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = ApiToken.objects.under(secret.strip())
        if token is None:
            raise AuthenticationFailed("This token is unknown or was revoked: make another one at /tokens/.")
        scope = scope_of(request)
        if scope not in token.scopes:
            raise PermissionDenied(
                f"This token may {' and '.join(token.scopes)}, and this takes {scope}:"
                " make one with that scope at /tokens/."
            )
        token.note_use()
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def scope_of(request: Request) -> str:
    """Name the scope that a request takes."""
    view = request.parser_context["view"]
    return str(getattr(view, "needs_scope", "read" if request.method in SAFE_METHODS else "write"))


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token made at /tokens/."}
