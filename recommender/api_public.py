"""REST: titles like another one, and the checkpoints that serve or served; the same for everybody."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api import ItemSerializer
from catalog.models import Item
from catalog.moved import moved
from catalog.rest import LOCATION, MOVED, NewestFirst, Tagged, title_among
from catalog.visibility import shows_adult
from recommender.models import Checkpoint
from recommender.similar import similar_to


class SimilarSerializer(serializers.Serializer[Any]):
    results = ItemSerializer(many=True)


class Similar(Tagged):
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="list_similar_items",
        parameters=[LOCATION],
        responses={200: SimilarSerializer, 301: MOVED},
    )
    def get(self, request: Request, anime_id: int) -> HttpResponseBase:
        """List up to twelve titles like this one, nearest first, not all of them its own seasons."""
        adult = shows_adult(request)
        item = title_among(Item.objects.visible(adult=adult), anime_id)
        if item.pk != anime_id:
            return moved(request, item)
        items = similar_to(item, adult=adult)
        prefetch_related_objects(items, "franchise")
        return Response(SimilarSerializer({"results": items}).data)


class CheckpointSerializer(serializers.ModelSerializer[Checkpoint]):
    parent: Any = serializers.SlugRelatedField("version", read_only=True, allow_null=True)
    active = serializers.SerializerMethodField()
    metrics = serializers.DictField(read_only=True, help_text="As its training measured them.")

    class Meta:
        model = Checkpoint
        fields = ["version", "active", "parent", "created_at", "promoted_at", "size_bytes", "metrics"]
        read_only_fields = fields

    def get_active(self, checkpoint: Checkpoint) -> bool:
        return checkpoint.state == Checkpoint.State.ACTIVE


class NewestCheckpoints(NewestFirst):
    ordering = ("-promoted_at", "-id")


@extend_schema_view(get=extend_schema(operation_id="list_checkpoints"))
class CheckpointList(Tagged, generics.ListAPIView[Checkpoint]):
    """The checkpoint that serves and those that served, the last promoted first."""

    permission_classes = (AllowAny,)
    serializer_class = CheckpointSerializer
    pagination_class = NewestCheckpoints
    queryset = Checkpoint.objects.none()

    def get_queryset(self) -> QuerySet[Checkpoint]:
        return Checkpoint.objects.promoted().select_related("parent")
