"""Curation: titles, genres and franchises."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db import models
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from catalog.models import Franchise, Genre, Item


@admin.register(Item)
class ItemAdmin(admin.ModelAdmin):
    list_display = ("name", "anime_id", "type", "year", "rating_mean", "members", "is_hidden")
    list_filter = ("is_hidden", "type", "genres")
    search_fields = ("name", "search_name", "=anime_id")
    autocomplete_fields = ("genres", "franchise")
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    ordering = ("-members", "anime_id")
    list_per_page = 50
    show_full_result_count = False
    actions = ("hide", "show")

    def get_readonly_fields(self, request: HttpRequest, obj: Item | None = None) -> tuple[str, ...]:
        # Another id would be another title: saving would copy the row instead of renaming it.
        return ("anime_id", "updated_at") if obj else ("updated_at",)

    @admin.action(description="Hide the selected titles", permissions=["change"])
    def hide(self, request: HttpRequest, titles: QuerySet[Item]) -> None:
        self._set_hidden(request, titles, hidden=True)

    @admin.action(description="Show the selected titles again", permissions=["change"])
    def show(self, request: HttpRequest, titles: QuerySet[Item]) -> None:
        self._set_hidden(request, titles, hidden=False)

    def _set_hidden(self, request: HttpRequest, titles: QuerySet[Item], *, hidden: bool) -> None:
        chosen = titles.values_list("pk", flat=True)
        changed = Item.objects.filter(pk__in=list(chosen), is_hidden=not hidden).update(is_hidden=hidden)
        verb = "hidden" if hidden else "shown again"
        plural = "title is" if changed == 1 else "titles are"
        self.message_user(request, f"{changed} {plural} now {verb}.", messages.SUCCESS)


class _Counted:
    """Show how many titles there are of each."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Genre | Franchise]:
        return super().get_queryset(request).annotate(n_titles=Count("items"))  # type: ignore[misc,no-any-return]

    @admin.display(description="titles", ordering="n_titles")
    def titles(self, row: Genre | Franchise) -> int:
        return row.n_titles  # type: ignore[union-attr,no-any-return]


@admin.register(Genre)
class GenreAdmin(_Counted, admin.ModelAdmin):
    list_display = ("name", "is_adult", "titles")
    list_filter = ("is_adult",)
    search_fields = ("name",)


@admin.register(Franchise)
class FranchiseAdmin(_Counted, admin.ModelAdmin):
    list_display = ("name", "titles")
    search_fields = ("name",)
