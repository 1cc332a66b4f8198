"""REST: the titles, for reading."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import serializers, viewsets
from rest_framework.filters import SearchFilter
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import AllowAny

from catalog.models import Genre, Item, ItemQuerySet
from catalog.search import find
from catalog.templatetags.posters import poster_src
from catalog.visibility import shows_adult


class ItemSerializer(serializers.ModelSerializer[Item]):
    genres: Any = serializers.SlugRelatedField("name", many=True, read_only=True)
    franchise: Any = serializers.SlugRelatedField("name", read_only=True)
    poster = serializers.SerializerMethodField(help_text="Path of the drawn poster (SVG).")

    class Meta:
        model = Item
        fields = (
            "anime_id", "name", "genres", "type", "episodes", "rating_mean", "members",
            "year", "franchise", "synopsis", "poster",
        )  # fmt: skip

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


class TitleSearch(SearchFilter):
    """`?search=` as the site searches: forgiving, and in order of likeness."""

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        return queryset if view.detail else find(request.query_params.get(self.search_param, ""), queryset)


class ItemPagination(PageNumberPagination):
    page_size_query_param = "page_size"
    max_page_size = 100


@method_decorator(conditional_page, name="dispatch")
class ItemViewSet(viewsets.ReadOnlyModelViewSet[Item]):
    """Titles, most popular first, or with `search` the most alike; never hidden ones."""

    queryset = Item.objects.none()
    serializer_class = ItemSerializer
    permission_classes = (AllowAny,)
    pagination_class = ItemPagination
    filter_backends = (DjangoFilterBackend, TitleSearch)
    filterset_class = ItemFilter

    def get_queryset(self) -> ItemQuerySet:
        return Item.objects.visible(adult=shows_adult(self.request)).with_facts()
