"""REST: recommendations with their reasons, for the person of the session."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.models import Item
from catalog.rest import QueryNumberField, refuse_blanks
from recommender.cards import Card, cards_of
from recommender.controls import EARLIEST, GREATEST_LIKE, LATEST, MOST_MEMBERS, STEPS, read_controls
from recommender.dealing import Place
from recommender.moods import MOODS
from recommender.order import Order
from recommender.serving import get_catalogue

MAX_K = 100


def _refuse(sentence: str) -> NoReturn:
    raise serializers.ValidationError({"detail": sentence})


class Question(serializers.Serializer[None]):
    k = QueryNumberField(min_value=1, max_value=MAX_K, default=20, help_text="How many titles.")
    tuned = QueryNumberField(min_value=1, max_value=1, required=False)


class RecommendationSerializer(serializers.Serializer[Card]):
    anime_id = serializers.IntegerField(source="item.anime_id")
    name = serializers.CharField(source="item.name")
    series = serializers.CharField(
        source="label", help_text="Where in its series it stands: “Start here · 5 entries”; empty when alone."
    )
    reason = serializers.CharField(source="reason.text", help_text="Why, in a sentence.")
    causes = serializers.SerializerMethodField(help_text="The anime_ids of the titles that the reason names.")

    def get_causes(self, card: Card) -> list[int]:
        return [item.pk for item in card.reason.causes]


@dataclass(frozen=True)
class Recommendations:
    """The answer."""

    version: str | None
    results: tuple[Card, ...]


class RecommendationsSerializer(serializers.Serializer[Recommendations]):
    version = serializers.CharField(
        allow_null=True, help_text="The checkpoint that ranked; null for popular titles."
    )
    results = RecommendationSerializer(many=True)


def _several(name: str, text: str, among: Iterable[str] = ()) -> OpenApiParameter:
    items = {"type": "string"} | ({"enum": [*among]} if among else {})
    return OpenApiParameter(name, {"type": "array", "items": items}, description=text)


def _number(name: str, text: str, least: int, most: int, kind: str = "integer") -> OpenApiParameter:
    return OpenApiParameter(name, {"type": kind, "minimum": least, "maximum": most}, description=text)


K = OpenApiParameter(
    "k", {"type": "integer", "minimum": 1, "maximum": MAX_K, "default": 20}, description="How many titles."
)
VIEW = [
    _several("in", "Genres a title must all have."),
    _several("out", "Genres it must not have."),
    _several("type", "It is one of these types.", among=Item.Type.values),
    _number("from", "First year; a title whose year is not known is left out.", EARLIEST, LATEST),
    _number("to", "Last year.", EARLIEST, LATEST),
    _number("score", "Least mean score.", 1, 10, kind="number"),
    _number("members", "Least number of members.", 1, MOST_MEMBERS),
    _number("discovery", "From what everybody knows (0) over as foretold (2) to hidden gems.", 0, STEPS - 1),
    _number("variety", "From as foretold (0) to all sorts.", 0, STEPS - 1),
    _several("mood", "What tonight is to be like.", among=MOODS),
    _number("like", "The anime_id of a title that tonight is to be like.", 1, GREATEST_LIKE),
    OpenApiParameter(
        "near",
        {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": GREATEST_LIKE}},
        description="The anime_id of up to eight titles that stand for a region of the map to be near.",
    ),
    _number("tuned", "1: nothing else is set; without any of these, what the person keeps applies.", 1, 1),
]


@extend_schema(operation_id="get_recommendations", parameters=[K, *VIEW], responses=RecommendationsSerializer)
@api_view(["GET", "HEAD"])
@permission_classes([AllowAny])
def recommendations(request: Request) -> Response:
    """Return the k titles the person would like best, best first; popular ones for somebody unknown."""
    question = Question(data=request.query_params)
    question.is_valid(raise_exception=True)
    refuse_blanks(request, [parameter.name for parameter in (K, *VIEW)])
    read_controls(request.query_params, get_catalogue(), _refuse)
    order = Order.of(request.user, request.query_params)
    places = [Place(anime_id) for anime_id in order.slice(0, question.validated_data["k"])]
    answer = Recommendations(order.version, cards_of(order, places))
    return Response(RecommendationsSerializer(answer).data)
