"""REST: recommendations with their reasons, for the person of the session."""

from __future__ import annotations

from dataclasses import dataclass

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.cards import Card, cards_of
from recommender.order import Order

MAX_K = 100


class Question(serializers.Serializer[None]):
    k = serializers.IntegerField(min_value=1, max_value=MAX_K, default=20, help_text="How many titles.")


class RecommendationSerializer(serializers.Serializer[Card]):
    anime_id = serializers.IntegerField(source="item.anime_id")
    name = serializers.CharField(source="item.name")
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


@extend_schema(parameters=[Question], responses=RecommendationsSerializer)
@api_view(["GET"])
@permission_classes([AllowAny])
def recommendations(request: Request) -> Response:
    """Return the k titles the person would like best, best first; popular ones for somebody unknown."""
    question = Question(data=request.query_params)
    question.is_valid(raise_exception=True)
    order = Order.of(request.user)
    cards = cards_of(order, order.slice(0, question.validated_data["k"]))
    return Response(RecommendationsSerializer(Recommendations(order.version, cards)).data)
