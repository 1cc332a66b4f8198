"""REST: the titles, for reading."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, viewsets
from rest_framework.filters import SearchFilter
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.models import Genre, Item, ItemQuerySet
from catalog.moved import moved
from catalog.rest import LOCATION, MOVED, NumberedPages, Tagged, refuse_blanks, title_among
from catalog.search import find
from catalog.templatetags.posters import poster_src
from catalog.visibility import shows_adult


class ItemSerializer(serializers.ModelSerializer[Item]):
    genres: Any = serializers.SlugRelatedField("name", many=True, read_only=True)
    franchise: Any = serializers.SlugRelatedField("name", read_only=True, allow_null=True)
    type = serializers.CharField(
        read_only=True, help_text=f"{', '.join(Item.Type.values)}; empty where it is not known."
    )
    poster = serializers.SerializerMethodField(help_text="Path of the drawn poster (SVG).")

    class Meta:
        model = Item
        fields = (
            "anime_id", "name", "genres", "type", "episodes", "rating_mean", "members",
            "year", "franchise", "synopsis", "poster",
        )  # fmt: skip
        read_only_fields = fields

    def get_poster(self, item: Item) -> str:
        return poster_src(item)


def _genres(request: HttpRequest | None) -> QuerySet[Genre]:
    return Genre.objects.visible(adult=shows_adult(request))


class ItemFilter(django_filters.FilterSet):
    genre = django_filters.ModelChoiceFilter(
        field_name="genres",
        to_field_name="name",
        queryset=_genres,
        help_text="A genre's name, such as Drama.",
    )
    type = django_filters.ChoiceFilter(choices=Item.Type.choices)


class TitleFilters(DjangoFilterBackend):
    """`?genre=` and `?type=`."""

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        refuse_blanks(request, ["page", *ItemFilter.base_filters])
        return super().filter_queryset(request, queryset, view)


class TitleSearch(SearchFilter):
    """`?search=` as the site searches: forgiving, and in order of likeness."""

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        return queryset if view.detail else find(request.query_params.get(self.search_param, ""), queryset)


@extend_schema_view(
    list=extend_schema(operation_id="list_items"),
    retrieve=extend_schema(
        operation_id="get_item",
        description="One title.",
        parameters=[LOCATION],
        responses={200: ItemSerializer, 301: MOVED},
    ),
)
class ItemViewSet(Tagged, viewsets.ReadOnlyModelViewSet[Item]):
    """Titles, most popular first, or with `search` the most alike; never hidden ones."""

    queryset = Item.objects.none()
    serializer_class = ItemSerializer
    permission_classes = (AllowAny,)
    pagination_class = NumberedPages
    filter_backends = (TitleFilters, TitleSearch)
    filterset_class = ItemFilter
    lookup_value_converter = "int"
    lookup_url_kwarg = "anime_id"

    def get_queryset(self) -> ItemQuerySet:
        return Item.objects.visible(adult=shows_adult(self.request)).with_facts()

    def retrieve(self, request: Request, anime_id: int) -> HttpResponseBase:  # type: ignore[override]
        item = title_among(self.get_queryset(), anime_id)
        if item.pk != anime_id:
            return moved(request, item)
        return Response(self.get_serializer(item).data)
