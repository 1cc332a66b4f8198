"""REST: what concerns the whole of a person, and answers to addresses that lead nowhere."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.contrib.auth.models import User
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.guests import is_guest
from feedback.history import history_of
from feedback.lists.everything import everything_about
from feedback.models import Dismissal, Saved
from feedback.teaching import teaches
from recommender.models import preferences_of

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


@extend_schema(operation_id="get_me", responses=Profile)
@api_view(["GET"])
def me(request: Request) -> Response:
    """Say who is acting, and how much is noted about them. Accounts are deleted at /accounts/delete/ only."""
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


@extend_schema(
    operation_id="export_me",
    responses={200: OpenApiResponse(OpenApiTypes.OBJECT, "Everything stored about the person.")},
)
@api_view(["GET"])
def export(request: Request) -> StreamingHttpResponse:
    """Stream everything that is stored about the person, as one JSON object."""
    pieces: Any = everything_about(cast(User, request.user))
    headers = {"Cache-Control": "private, no-store"}
    return StreamingHttpResponse(pieces, content_type="application/json", headers=headers)


@extend_schema(exclude=True)
@api_view(["GET", "POST", "PUT", "PATCH", "DELETE"])
@permission_classes([AllowAny])
def nowhere(request: Request) -> Response:
    """Say where the addresses are that do lead somewhere."""
    raise NotFound("There is nothing here. Every address ends with a slash; /api/v1/schema/ lists them.")
