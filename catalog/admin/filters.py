"""What a curator looks for: titles out of sight, incomplete ones, and likely duplicates."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from catalog.models import Item

MISSING = {
    "year": ("Year", Q(year__isnull=True)),
    "genres": ("Genres", Q(genres__isnull=True)),
    "franchise": ("Franchise", Q(franchise__isnull=True)),
    "synopsis": ("Synopsis", Q(synopsis="")),
    "poster": ("Poster", Q(poster_url="")),
    "type": ("Type", Q(type="")),
}


class AdultFilter(admin.SimpleListFilter):
    title = "adult"
    parameter_name = "adult"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("yes", "18+"), ("no", "For everybody")]

    def queryset(self, request: HttpRequest, titles: QuerySet[Item]) -> QuerySet[Item]:
        adult = Item.objects.filter(genres__is_adult=True).values("pk")
        if self.value() == "yes":
            return titles.filter(pk__in=adult)
        return titles.exclude(pk__in=adult) if self.value() == "no" else titles


class MissingFilter(admin.SimpleListFilter):
    title = "what is missing"
    parameter_name = "missing"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(name, words) for name, (words, _) in MISSING.items()]

    def queryset(self, request: HttpRequest, titles: QuerySet[Item]) -> QuerySet[Item]:
        asked = self.value()
        return titles.filter(MISSING[asked][1]) if asked in MISSING else titles


class DuplicateFilter(admin.SimpleListFilter):
    """Titles that another one shares its name with, but for case, accents and punctuation."""

    title = "duplicates"
    parameter_name = "duplicates"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("name", "Same name")]

    def queryset(self, request: HttpRequest, titles: QuerySet[Item]) -> QuerySet[Item]:
        if self.value() != "name":
            return titles
        named = Item.objects.order_by().exclude(search_name="").values("search_name")
        return titles.filter(
            search_name__in=named.annotate(n=Count("pk")).filter(n__gt=1).values("search_name")
        )
