"""REST: ranked titles for histories that come with the request. Nothing of them is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.models import GREATEST_ID, Item
from catalog.rest import BoundedListField, WholeNumberField
from catalog.visibility import shows_adult
from ml.feedback import FEEDBACK_NAMES
from ml.history import History
from recommender.api import MAX_K
from recommender.scoring import Scorer

MOST_EVENTS, MOST_HISTORIES = 500, 1000
EVENT = {
    "type": "object",
    "required": ["anime_id", "feedback_type"],
    "properties": {
        "anime_id": {"type": "integer", "minimum": 0, "maximum": GREATEST_ID},
        "feedback_type": {"type": "string", "enum": list(FEEDBACK_NAMES)},
        "timestamp": {"oneOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
    },
}


@extend_schema_field({"type": "array", "maxItems": MOST_EVENTS, "items": EVENT})
class HistoryField(serializers.Field[History, Any, Any, Any]):
    """Read a history, oldest event first; half a million events take a second, which serializers do not."""

    def to_internal_value(self, data: Any) -> History:
        if not isinstance(data, list):
            raise serializers.ValidationError("Send a list of events, oldest first.")
        if len(data) > MOST_EVENTS:
            raise serializers.ValidationError(f"Send the newest {MOST_EVENTS} events at most.")
        events: dict[int, tuple[int, float | None]] = {}
        for place, event in enumerate(data):
            anime_id, feedback, timestamp = _read_event(event, place)
            events.pop(anime_id, None)  # the last word about a title stands, where it was said
            events[anime_id] = feedback, timestamp
        feedbacks = tuple(feedback for feedback, _ in events.values())
        return History(tuple(events), feedbacks, tuple(timestamp for _, timestamp in events.values()))


def _read_event(event: Any, place: int) -> tuple[int, int, float | None]:
    """Read one event. Raises ValidationError with its place and field."""
    if not isinstance(event, dict):
        raise serializers.ValidationError({str(place): ["Send an object with anime_id and feedback_type."]})
    anime_id, feedback = event.get("anime_id"), event.get("feedback_type")
    if isinstance(anime_id, float) and anime_id.is_integer():
        anime_id = int(anime_id)  # in JSON 1.0 is as whole as 1
    if not isinstance(anime_id, int) or isinstance(anime_id, bool) or not 0 <= anime_id <= GREATEST_ID:
        raise serializers.ValidationError({str(place): {"anime_id": ["Send a title's number."]}})
    if not isinstance(feedback, str) or feedback not in FEEDBACK_NAMES:
        names = ", ".join(FEEDBACK_NAMES)
        raise serializers.ValidationError({str(place): {"feedback_type": [f"Send one of {names}."]}})
    return anime_id, int(FEEDBACK_NAMES[feedback]), _read_timestamp(event.get("timestamp"), place)


def _read_timestamp(text: Any, place: int) -> float | None:
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
        if when.tzinfo is None:
            raise ValueError
        return when.timestamp()
    except (TypeError, ValueError, OverflowError):
        sentence = "Send a time with its zone, such as 2026-01-31T20:15:00Z, or leave it out."
        raise serializers.ValidationError({str(place): {"timestamp": [sentence]}}) from None


class ScoreQuestion(serializers.Serializer[None]):
    history = HistoryField()
    k = WholeNumberField(min_value=1, max_value=MAX_K, default=20, help_text="How many titles.")


class BatchQuestion(serializers.Serializer[None]):
    histories = BoundedListField(child=HistoryField(), min_length=1, max_length=MOST_HISTORIES)
    k = WholeNumberField(min_value=1, max_value=MAX_K, default=20, help_text="How many titles each.")


class ScoredSerializer(serializers.Serializer[None]):
    anime_id = serializers.IntegerField()
    name = serializers.CharField()
    score = serializers.FloatField(
        allow_null=True, help_text="Log-probability, of a large catalogue a logit; null for popular titles."
    )


class ScoresSerializer(serializers.Serializer[Any]):
    version = serializers.CharField(allow_null=True, help_text="The checkpoint; null for popular titles.")
    results = ScoredSerializer(many=True)


class HasScoreToken(BasePermission):
    """Many histories at once are for programs: whoever comes without a token may try one."""

    message = (
        "Send a token with the scope score, made at /tokens/; without one, /api/v1/score/ takes one history."
    )

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.auth is not None  # its scope was checked when it was let in


class Score(APIView):
    permission_classes = (AllowAny,)
    needs_scope = "score"

    @extend_schema(operation_id="score", request=ScoreQuestion, responses=ScoresSerializer)
    def post(self, request: Request) -> Response:
        """Rank titles for one history. It is nobody's: no rule about series or dismissals applies to it."""
        question = ScoreQuestion(data=request.data)
        question.is_valid(raise_exception=True)
        scorer = Scorer.now(adult=shows_adult(request))
        asked = question.validated_data
        [ranking] = scorer.rank([asked["history"]], asked["k"])
        names = dict(Item.objects.filter(pk__in=[pk for pk, _ in ranking]).values_list("pk", "name"))
        results = [
            {"anime_id": anime_id, "name": names[anime_id], "score": score}
            for anime_id, score in ranking
            if anime_id in names
        ]
        return Response(ScoresSerializer({"version": scorer.version, "results": results}).data)


class ScoreBatch(APIView):
    permission_classes = (HasScoreToken,)
    needs_scope = "score"
    body_mb = 48  # 1,000 histories of 500 events

    @extend_schema(
        operation_id="score_many",
        request=BatchQuestion,
        responses={
            (200, "application/x-ndjson"): OpenApiResponse(
                OpenApiTypes.STR,
                description="A line a history, in their order: index, version, and results, each with"
                " anime_id and score.",
            )
        },
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        """Rank titles for up to 1,000 histories; the answer begins before the last one is ranked."""
        question = BatchQuestion(data=request.data)
        question.is_valid(raise_exception=True)
        asked = question.validated_data
        histories = asked.pop("histories")
        request.data.clear()  # a request lies about until the collector comes; half a million events must not
        lines: Any = _lines(Scorer.now(adult=shows_adult(request)), histories, asked["k"])
        return StreamingHttpResponse(lines, content_type="application/x-ndjson")


def _lines(scorer: Scorer, histories: Sequence[History], k: int) -> Iterator[str]:
    for index, ranking in enumerate(scorer.rank(histories, k)):
        results = [{"anime_id": anime_id, "score": score} for anime_id, score in ranking]
        yield json.dumps({"index": index, "version": scorer.version, "results": results}) + "\n"
