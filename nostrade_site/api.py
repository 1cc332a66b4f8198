"""REST: what concerns the whole of a person, and answers to addresses that lead nowhere."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from allauth.account.adapter import get_adapter
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field, inline_serializer
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.exceptions import NotFound, PermissionDenied, Throttled
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from feedback.guests import is_guest
from feedback.history import history_of
from feedback.lists.everything import everything_about
from feedback.models import Dismissal, Saved
from feedback.teaching import teaches
from nostrade_site.accounts.deleting import delete_account
from recommender.models import preferences_of

FORGETS_FAILURES_AFTER = 300  # seconds, allauth's own

Profile = inline_serializer(
    "Profile",
    {
        "username": serializers.CharField(help_text="Made up for a guest."),
        "is_guest": serializers.BooleanField(),
        "joined_at": serializers.DateTimeField(),
        "shows_adult": serializers.BooleanField(),
        "teaches": serializers.BooleanField(help_text="Whether the model may learn from the reactions."),
        "reactions": serializers.IntegerField(help_text="How many stand, one a title."),
        "saved": serializers.IntegerField(),
        "dismissed": serializers.IntegerField(),
    },
)


@extend_schema_field({"type": "string", "minLength": 1, "pattern": r"^[^\u0000]*$", "format": "password"})
class PasswordField(serializers.CharField):
    """A password as it is."""


class DeletionSerializer(serializers.Serializer[None]):
    password = PasswordField(
        required=False, trim_whitespace=False, help_text="The member's own; a guest has none."
    )


class Me(APIView):
    body_of_delete = DeletionSerializer

    @extend_schema(operation_id="get_me", responses=Profile)
    def get(self, request: Request) -> Response:
        """Say who is acting, and how much is noted about them."""
        user = cast(User, request.user)
        facts: dict[str, str | bool | int | datetime] = {
            "username": user.username,
            "is_guest": is_guest(user),
            "joined_at": user.date_joined,
            "shows_adult": preferences_of(user).show_adult,
            "teaches": teaches(user),
            "reactions": len(history_of(user)),
            "saved": Saved.objects.of(user).count(),
            "dismissed": Dismissal.objects.of(user).standing().count(),
        }
        return Response(facts)

    @extend_schema(operation_id="delete_me", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Delete the account and all that refers to it, at once and for good. A token does not suffice."""
        user, question = cast(User, request.user), DeletionSerializer(data=request.data)
        question.is_valid(raise_exception=True)
        if not is_guest(user):
            prove(user, question.validated_data.get("password", ""))
        delete_account(user.pk)
        if request.auth is None:  # by the session, which is no more
            get_adapter().logout(request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)


def prove(user: User, password: str) -> None:
    """Hold a password against a member's, as log-in does and within its limits. Raises where it differs."""
    if not password:
        raise PermissionDenied({"password": ["Send your password too: a token alone deletes no account."]})
    try:
        proven = get_adapter().reauthenticate(user, password)
    except ValidationError:  # allauth's, for too many attempts
        raise Throttled(FORGETS_FAILURES_AFTER) from None
    if not proven:
        raise PermissionDenied({"password": ["This is not your password: nothing was deleted."]})


@extend_schema(
    operation_id="export_me",
    responses={200: OpenApiResponse(OpenApiTypes.OBJECT, "Everything stored about the person.")},
)
@api_view(["GET", "HEAD"])
def export(request: Request) -> StreamingHttpResponse:
    """Stream everything that is stored about the person, as one JSON object."""
    pieces: Any = everything_about(cast(User, request.user))
    headers = {"Cache-Control": "private, no-store"}
    return StreamingHttpResponse(pieces, content_type="application/json", headers=headers)


@extend_schema(exclude=True)
class Nowhere(APIView):
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Say, whatever the method, where the addresses are that do lead somewhere."""
        super().initial(request, *args, **kwargs)
        raise NotFound("There is nothing here. Every address ends with a slash; /api/v1/schema/ lists them.")
