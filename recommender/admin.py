from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from recommender.models import Checkpoint, NotServable, Preferences
from recommender.online_admin import online


@admin.register(Checkpoint)
class CheckpointAdmin(admin.ModelAdmin):
    """The registry. Rows come from training; here they are read, promoted and rolled back, never edited."""

    list_display = ("version", "state", "verdict", "created_at", "promoted_at", "size_bytes")
    list_filter = ("state",)
    search_fields = ("version", "verdict", "git_revision")
    actions = ("promote", "roll_back")

    def get_urls(self) -> list[URLPattern]:
        """Add the page of the online figures."""
        view = self.admin_site.admin_view(partial(online, model_admin=self))
        return [path("online/", view, name="recommender_checkpoint_online"), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Checkpoint | None = None) -> bool:
        return False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Offer no Save: changing a row is allowed for the two actions' sake alone."""
        context |= {"show_save": False, "show_save_and_continue": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Checkpoint | None = None) -> list[str]:
        return [field.name for field in Checkpoint._meta.fields]

    @admin.action(description="Promote: serve this checkpoint", permissions=["change"])
    def promote(self, request: HttpRequest, queryset: QuerySet[Checkpoint]) -> None:
        if (checkpoint := self._only(request, queryset)) is None:
            return
        try:
            checkpoint.promote()
        except NotServable as error:
            self.message_user(request, f"Not promoted, nothing changed: {error}", messages.ERROR)
        else:
            self.log_change(request, checkpoint, "Promoted.")
            self.message_user(
                request, f"{checkpoint} is active; the site serves it within seconds.", messages.SUCCESS
            )

    @admin.action(description="Roll back: leave this checkpoint for the one before", permissions=["change"])
    def roll_back(self, request: HttpRequest, queryset: QuerySet[Checkpoint]) -> None:
        if (checkpoint := self._only(request, queryset)) is None:
            return
        try:
            earlier = checkpoint.roll_back()
        except NotServable as error:
            self.message_user(request, f"Not rolled back, nothing changed: {error}", messages.ERROR)
        else:
            self.log_change(request, checkpoint, f"Rolled back to {earlier}.")
            self.message_user(request, f"Rolled back: {earlier} is active.", messages.SUCCESS)

    def _only(self, request: HttpRequest, queryset: QuerySet[Checkpoint]) -> Checkpoint | None:
        if len(chosen := list(queryset[:2])) == 1:
            return chosen[0]
        self.message_user(request, "Choose exactly one checkpoint.", messages.ERROR)
        return None


@admin.register(Preferences)
class PreferencesAdmin(admin.ModelAdmin):
    list_display = ("user", "show_adult")
    list_filter = ("show_adult",)
    search_fields = ("user__username",)
    autocomplete_fields = ("user",)
