"""Curation: titles, genres and franchises."""

from __future__ import annotations

from typing import Any

from django import forms
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


class FranchiseForm(forms.ModelForm):
    """A franchise with its titles, one a line: what stands behind the id is for people and is not read."""

    titles = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 14, "cols": 90}),
        required=False,
        help_text="One title a line, beginning with its id. Add a line to bring a title here, from its former"
        " franchise too; delete one to let it go. They stand in the order in which the feed opens them: by"
        " year where all of them have one, else by id. To change it, correct the years on the titles' pages.",
    )

    class Meta:
        model = Franchise
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["titles"] = "\n".join(
                f"{item.pk}  {item.name} ({item.type or 'no type'}, {item.year or 'no year'})"
                for item in self.instance.in_order()
            )

    def clean_titles(self) -> list[int]:
        """Read the ids, refusing lines without one and titles that are not here."""
        lines = [line.split() for line in self.cleaned_data["titles"].splitlines() if line.strip()]
        if wrong := next((words[0] for words in lines if not _is_id(words[0])), None):
            raise forms.ValidationError(f"Begin each line with the id of a title, not with “{wrong[:40]}”.")
        ids = [int(words[0]) for words in lines]
        known = Item.objects.in_bulk(ids)
        if missing := next((pk for pk in ids if pk not in known), None):
            raise forms.ValidationError(f"There is no title with the id {missing}: import it first.")
        return ids


def _is_id(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 9


@admin.register(Franchise)
class FranchiseAdmin(_Counted, admin.ModelAdmin):
    list_display = ("name", "titles")
    search_fields = ("name",)
    form = FranchiseForm

    def save_model(self, request: HttpRequest, obj: Franchise, form: FranchiseForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        obj.hold(form.cleaned_data["titles"])
