"""The REST API of what a person said and kept; the acting person is always the one who is logged in."""

from __future__ import annotations

import re
from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import generics, serializers, status
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.models import Item, ItemQuerySet, is_about
from catalog.rest import NewestFirst, Tagged, title_among
from catalog.visibility import shows_adult
from feedback.history import history_of
from feedback.models import Event, FeedbackType, KeyReusedError, Saved
from feedback.whereabouts import note_network

REACTIONS = [FeedbackType.DISLIKE, FeedbackType.LIKE, FeedbackType.LOVE]
KEY = "Idempotency-Key"
KEY_PATTERN = "[!-~]{1,100}"  # visible ASCII characters


class ReusedKey(APIException):
    """A key that came with another reaction, answered as draft-ietf-httpapi-idempotency-key-header asks."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"


def person(request: Request) -> User:
    """Return who is asking; the permission class has let in nobody without an account."""
    return cast(User, request.user)


def speaker(request: Request) -> User:
    """Return who says something, and note from where."""
    user = person(request)
    note_network(request._request, user)
    return user


def visible_items(request: Request) -> ItemQuerySet:
    """Keep the titles that the person asking may see."""
    return Item.objects.visible(adult=shows_adult(request))


def visible_item(request: Request, anime_id: int) -> Item:
    """Return a title that the person asking may see. Raises NotFound where there is none."""
    return title_among(visible_items(request), anime_id)


def idempotency_key(request: Request) -> str:
    """Return the key that the program sent with a write, or nothing. Raises ValidationError for no key."""
    key = request.headers.get(KEY)
    if key is not None and not re.fullmatch(KEY_PATTERN, key):
        raise serializers.ValidationError(
            {KEY: ["Send 1 to 100 visible ASCII characters, a UUID for one, or leave the header out."]}
        )
    return key or ""


def key_header(what: str) -> OpenApiParameter:
    """Describe the header in the schema."""
    return OpenApiParameter(
        KEY,
        {"type": "string", "pattern": f"^{KEY_PATTERN}$"},
        OpenApiParameter.HEADER,
        description=f"Names {what}, so that it can be sent again after a lost answer: it is logged once,"
        " and each repetition is answered as the first time.",
    )


class FeedbackTypeField(serializers.Field[FeedbackType, Any, str, Any]):
    """Read a reaction as a word or a number; write it as a word."""

    def to_internal_value(self, data: Any) -> FeedbackType:
        for reaction in REACTIONS:
            if data == reaction.name.lower() or (data == reaction.value and not isinstance(data, bool)):
                return reaction
        raise serializers.ValidationError(
            "Send dislike, like or love, or 1, 2 or 3. To take a reaction back, DELETE its event."
        )

    def to_representation(self, value: int) -> str:
        return FeedbackType(value).name.lower()


class DescribedFeedbackType(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = FeedbackTypeField

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Name both ways of saying it, so that generated clients have names for them too."""
        words = {"type": "string", "enum": [reaction.name.lower() for reaction in REACTIONS]}
        if direction == "response":
            return _named(auto_schema, "Reaction", words)
        numbers = {"type": "integer", "enum": [reaction.value for reaction in REACTIONS]}
        return {
            "oneOf": [
                _named(auto_schema, "Reaction", words),
                _named(auto_schema, "ReactionNumber", numbers),
            ]
        }


def _named(auto_schema: Any, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    kind = ResolvedComponent.SCHEMA
    component = ResolvedComponent(name, kind, schema, name)  # type: ignore[no-untyped-call]
    auto_schema.registry.register_on_missing(component)
    return component.ref


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": 2**31 - 1})
class VisibleItemField(serializers.PrimaryKeyRelatedField[Item]):
    """Read a title by its anime_id; hidden ones, and adult ones where they are off, do not exist."""

    default_error_messages = {
        "does_not_exist": "There is no title {pk_value} on show here.",
        "incorrect_type": "Send a title's number.",
    }

    def to_internal_value(self, data: Any) -> Item:
        whole: Any = int(data) if isinstance(data, float) and data.is_integer() else data  # to JSON 1.0 is 1
        if not isinstance(whole, int) or isinstance(whole, bool):
            self.fail("incorrect_type", data_type=type(data).__name__)
        item = visible_items(self.context["request"]).meant_by(whole)
        if item is None:
            self.fail("does_not_exist", pk_value=whole)
        return item


def standing_for(user: User) -> QuerySet[Event]:
    """Return the last reaction to each title.

    They are found in one pass over the history: a database that compares the events of each title with one
    another takes the square of how often somebody changed their mind.
    """
    return Event.objects.filter(pk__in=[said.event_id for said in history_of(user).reactions])


class EventSerializer(serializers.ModelSerializer[Event]):
    anime_id = VisibleItemField(source="item", queryset=Item.objects.none())
    feedback_type = FeedbackTypeField()

    class Meta:
        model = Event
        fields = ["id", "anime_id", "feedback_type", "timestamp"]
        read_only_fields = ["timestamp"]


class SavedSerializer(serializers.ModelSerializer[Saved]):
    anime_id = serializers.IntegerField(source="item_id", read_only=True)

    class Meta:
        model = Saved
        fields = ["anime_id", "created_at"]
        read_only_fields = ["created_at"]


class NewestEvents(NewestFirst):
    ordering = ("-timestamp", "-id")


class NewestMade(NewestFirst):
    ordering = ("-created_at", "-id")


@extend_schema_view(get=extend_schema(operation_id="list_events"))
class EventList(Tagged, generics.ListAPIView[Event]):
    """The reactions that stand, one a title, newest first."""

    serializer_class = EventSerializer
    pagination_class = NewestEvents
    queryset = Event.objects.none()  # for the schema; get_queryset() knows the person

    def get_queryset(self) -> QuerySet[Event]:
        return standing_for(person(self.request))

    @extend_schema(
        operation_id="react",
        parameters=[key_header("this reaction")],
        responses={
            201: EventSerializer,
            422: OpenApiResponse(description="The key came with another title or reaction before."),
        },
    )
    def post(self, request: Request) -> Response:
        """React to a title; saying the same again answers with the event that already stands."""
        key = idempotency_key(request)
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        said = serializer.validated_data
        try:
            event = Event.objects.record(speaker(request), said["item"], said["feedback_type"], key=key)
        except KeyReusedError as reused:
            raise ReusedKey(str(reused)) from None
        return Response(self.get_serializer(event).data, status=status.HTTP_201_CREATED)


class EventDetail(generics.GenericAPIView[Event]):
    serializer_class = EventSerializer
    queryset = Event.objects.none()

    @extend_schema(operation_id="retract", responses={204: None})
    def delete(self, request: Request, event_id: int) -> Response:
        """Take back what was said about the event's title; where it no longer stands, nothing changes."""
        mine = Event.objects.of(person(request))
        if not mine.exclude(feedback_type=FeedbackType.RETRACTED).filter(pk=event_id).exists():
            raise NotFound("You have no such event; GET the list for those you have.")
        event = standing_for(person(request)).filter(pk=event_id).first()
        if event is not None:
            Event.objects.retract(person(request), event.item_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(get=extend_schema(operation_id="list_saved"))
class SavedList(Tagged, generics.ListAPIView[Saved]):
    """The titles kept for later, newest first."""

    serializer_class = SavedSerializer
    pagination_class = NewestMade
    queryset = Saved.objects.none()

    def get_queryset(self) -> QuerySet[Saved]:
        return Saved.objects.of(person(self.request))


class SavedDetail(generics.GenericAPIView[Saved]):
    serializer_class = SavedSerializer
    queryset = Saved.objects.none()

    @extend_schema(operation_id="save", request=None, responses={200: SavedSerializer, 201: SavedSerializer})
    def put(self, request: Request, anime_id: int) -> Response:
        """Keep a title for later; doing so again changes nothing."""
        item = visible_item(request, anime_id)
        saved, made = Saved.objects.keep(person(request), item)
        code = status.HTTP_201_CREATED if made else status.HTTP_200_OK
        return Response(self.get_serializer(saved).data, status=code)

    @extend_schema(operation_id="unsave", responses={204: None})
    def delete(self, request: Request, anime_id: int) -> Response:
        """Let a title go; one that was not kept is let go already."""
        Saved.objects.of(person(request)).filter(is_about(anime_id)).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)
