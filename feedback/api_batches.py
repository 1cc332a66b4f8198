"""REST: many reactions in one call, all or none."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.models import GREATEST_ID, Item
from catalog.rest import BoundedListField, WholeNumberField
from feedback.api import (
    EventSerializer,
    FeedbackTypeField,
    ReusedKey,
    idempotency_key,
    key_header,
    speaker,
    visible_items,
)
from feedback.models import Event, FeedbackType, KeyReusedError

MOST_EVENTS = 500


class SaidSerializer(serializers.Serializer[None]):
    anime_id = WholeNumberField(min_value=0, max_value=GREATEST_ID)
    feedback_type = FeedbackTypeField()

    default_error_messages = {"invalid": "Send an object with anime_id and feedback_type."}


class BatchSerializer(serializers.Serializer[None]):
    events = BoundedListField(child=SaidSerializer(), min_length=1, max_length=MOST_EVENTS)

    def validate_events(self, said: list[dict[str, Any]]) -> list[tuple[Item, FeedbackType]]:
        """Find all titles at once; those that are not on show are named by their place."""
        items = visible_items(self.context["request"]).each_meant_by(each["anime_id"] for each in said)
        missing = {
            str(place): {"anime_id": [f"There is no title {each['anime_id']} on show here."]}
            for place, each in enumerate(said)
            if each["anime_id"] not in items
        }
        if missing:
            raise serializers.ValidationError(missing)
        return [(items[each["anime_id"]], each["feedback_type"]) for each in said]


class LoggedSerializer(serializers.Serializer[Any]):
    events = EventSerializer(many=True)


class EventBatch(APIView):
    @extend_schema(
        operation_id="react_to_many",
        parameters=[key_header("this batch")],
        request=BatchSerializer,
        responses={
            201: LoggedSerializer,
            422: OpenApiResponse(description="The key came with another batch before."),
        },
    )
    def post(self, request: Request) -> Response:
        """React to up to 500 titles, in the order of the list: all of it is logged, or none."""
        key = idempotency_key(request)
        batch = BatchSerializer(data=request.data, context={"request": request})
        batch.is_valid(raise_exception=True)
        try:
            events = Event.objects.record_many(speaker(request), batch.validated_data["events"], key=key)
        except KeyReusedError as reused:
            raise ReusedKey(str(reused)) from None
        return Response(LoggedSerializer({"events": events}).data, status=status.HTTP_201_CREATED)
