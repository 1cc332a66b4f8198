"""REST: titles like another one, and the checkpoints that serve or served; the same for everybody."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet, prefetch_related_objects
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api import ItemSerializer
from catalog.models import Item
from catalog.visibility import shows_adult
from recommender.models import Checkpoint
from recommender.similar import similar_to


class SimilarSerializer(serializers.Serializer[Any]):
    results = ItemSerializer(many=True)


@method_decorator(conditional_page, name="dispatch")
class Similar(APIView):
    permission_classes = (AllowAny,)

    @extend_schema(responses=SimilarSerializer)
    def get(self, request: Request, anime_id: int) -> Response:
        """List up to twelve titles like this one, nearest first, not all of them its own seasons."""
        adult = shows_adult(request)
        item = Item.objects.visible(adult=adult).meant_by(anime_id)
        if item is None:
            raise NotFound(f"There is no title {anime_id} on show here.")
        items = similar_to(item, adult=adult)
        prefetch_related_objects(items, "franchise")
        return Response(SimilarSerializer({"results": items}).data)


class CheckpointSerializer(serializers.ModelSerializer[Checkpoint]):
    parent: Any = serializers.SlugRelatedField("version", read_only=True)
    active = serializers.SerializerMethodField()
    metrics = serializers.DictField(read_only=True, help_text="As its training measured them.")

    class Meta:
        model = Checkpoint
        fields = ["version", "active", "parent", "created_at", "promoted_at", "size_bytes", "metrics"]
        read_only_fields = fields

    def get_active(self, checkpoint: Checkpoint) -> bool:
        return checkpoint.state == Checkpoint.State.ACTIVE


class NewestCheckpoints(CursorPagination):
    ordering = ("-promoted_at", "-id")


@method_decorator(conditional_page, name="dispatch")
class CheckpointList(generics.ListAPIView[Checkpoint]):
    """The checkpoint that serves and those that served, the last promoted first."""

    permission_classes = (AllowAny,)
    serializer_class = CheckpointSerializer
    pagination_class = NewestCheckpoints
    queryset = Checkpoint.objects.none()

    def get_queryset(self) -> QuerySet[Checkpoint]:
        return Checkpoint.objects.promoted().select_related("parent")
