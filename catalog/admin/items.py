"""Titles: found, corrected one by one or many at once, hidden, merged, imported and exported."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from catalog.admin.bulk import MOST, BulkForm, edit
from catalog.admin.filters import AdultFilter, DuplicateFilter, MissingFilter
from catalog.admin.history import TellsChanges
from catalog.admin.transfer import TitleTransfer
from catalog.changes import log
from catalog.models import GREATEST_ID, Item, MergedItem
from catalog.moved import moved


@admin.register(Item)
class ItemAdmin(TitleTransfer, TellsChanges):
    list_display = ("name", "id", "type", "year", "rating", "members", "out_of_sight")
    list_filter = ("is_hidden", AdultFilter, "type", MissingFilter, DuplicateFilter, "genres")
    search_fields = ("name", "search_name", "=anime_id", "franchise__name")
    search_help_text = "A name, without accents too; a franchise; or an id."
    autocomplete_fields = ("genres", "franchise")
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    ordering = ("-members", "anime_id")
    list_per_page = 50
    show_full_result_count = False
    actions = ("hide", "show", "edit_selected", "merge_selected")
    fieldsets = (
        (None, {"fields": ("anime_id", "name", "franchise", "genres", "is_hidden")}),
        ("Facts", {"fields": (("type", "episodes", "year"), ("rating_mean", "members"))}),
        ("On its page", {"fields": ("poster_url", "synopsis")}),
        ("Kept", {"fields": ("updated_at", "merged_in"), "classes": ("collapse",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Item]:
        adult = Item.genres.through.objects.filter(item=OuterRef("pk"), genre__is_adult=True)
        titles: QuerySet[Item] = super().get_queryset(request)
        return titles.annotate(is_adult=Exists(adult))

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        """Lead from each page of a merged title to that page of the one that stayed.

        Django asks this wherever it finds no row, for the history before it knows who may see it.
        """
        gone = self._merged(object_id) if self.has_view_or_change_permission(request) else None
        if gone is None:
            unknown: HttpResponse = super()._get_obj_does_not_exist_redirect(request, opts, object_id)
            return unknown
        said = f"{gone.name} ({gone.pk}) was merged into this title."
        if request.method == "POST":
            said += " Nothing was changed."
        self.message_user(request, said, messages.WARNING)
        return moved(request, gone.item, parameter="object_id")

    def _merged(self, object_id: str) -> MergedItem | None:
        number = unquote(object_id)
        if not number.isdecimal() or len(number) > len(str(GREATEST_ID)):
            return None
        return MergedItem.objects.select_related("item").filter(pk=number).first()

    def get_readonly_fields(self, request: HttpRequest, obj: Item | None = None) -> tuple[str, ...]:
        # Another id would be another title: saving would copy the row instead of renaming it.
        always = ("updated_at", "merged_in")
        return ("anime_id", *always) if obj else always

    def has_merge_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("catalog.merge_item")

    @admin.display(description="rating", ordering="rating_mean")
    def rating(self, item: Item) -> float | None:
        return item.rating_mean

    @admin.display(description="id", ordering="anime_id")
    def id(self, item: Item) -> int:
        return item.anime_id

    @admin.display(description="out of sight", ordering="is_hidden", empty_value="")
    def out_of_sight(self, item: Item) -> str | None:
        marks = ["Hidden"] if item.is_hidden else []
        marks += ["18+"] if item.is_adult else []  # type: ignore[attr-defined]
        return format_html('<span class="mark">{}</span>', " · ".join(marks)) if marks else None

    @admin.display(description="merged in", empty_value="nothing")
    def merged_in(self, item: Item) -> str | None:
        return ", ".join(f"{each.name} ({each.pk})" for each in item.merged.all()) or None

    @admin.action(description="Hide the selected titles", permissions=["change"])
    def hide(self, request: HttpRequest, titles: QuerySet[Item]) -> None:
        self._set_hidden(request, titles, hidden=True)

    @admin.action(description="Show the selected titles again", permissions=["change"])
    def show(self, request: HttpRequest, titles: QuerySet[Item]) -> None:
        self._set_hidden(request, titles, hidden=False)

    def _set_hidden(self, request: HttpRequest, titles: QuerySet[Item], *, hidden: bool) -> None:
        chosen = titles.values_list("pk", flat=True)
        changing = list(Item.objects.filter(pk__in=list(chosen), is_hidden=not hidden))
        Item.objects.filter(pk__in=[item.pk for item in changing]).update(is_hidden=hidden)
        sentence = "Hidden: no → yes." if hidden else "Hidden: yes → no."
        log(request.user, [(item, sentence) for item in changing])
        verb = "hidden" if hidden else "shown again"
        plural = "title is" if len(changing) == 1 else "titles are"
        self.message_user(request, f"{len(changing)} {plural} now {verb}.", messages.SUCCESS)

    @admin.action(description="Edit the selected titles…", permissions=["change"])
    def edit_selected(self, request: HttpRequest, titles: QuerySet[Item]) -> HttpResponse | None:
        """Ask what is to change, then change it; the page sends the selection along."""
        chosen = list(titles[: MOST + 1])
        if len(chosen) > MOST:
            self.message_user(request, f"Select {MOST} titles at most to edit at once.", messages.ERROR)
            return None
        form = BulkForm(request.POST) if "apply" in request.POST else BulkForm()
        if form.is_bound and form.is_valid():
            changes = edit([item.pk for item in chosen], form.cleaned_data)
            log(request.user, changes)
            self.message_user(request, f"{len(changes)} of {len(chosen)} titles changed.", messages.SUCCESS)
            return None
        context = self.admin_site.each_context(request) | {
            "title": f"Edit {len(chosen)} title{'' if len(chosen) == 1 else 's'}",
            "opts": self.opts,
            "form": form,
            "items": chosen,
            "checkbox": helpers.ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/catalog/item/bulk.html", context)

    @admin.action(description="Merge the selected titles…", permissions=["merge"])
    def merge_selected(self, request: HttpRequest, titles: QuerySet[Item]) -> HttpResponse:
        if not self.has_merge_permission(request):
            raise PermissionDenied
        ids = [("ids", pk) for pk in titles.values_list("pk", flat=True)[:11]]
        return redirect(f"{reverse('admin:catalog_item_merge')}?{urlencode(ids)}")
