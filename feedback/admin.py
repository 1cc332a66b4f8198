from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from feedback.models import Dismissal, Event, Saved


class SaidByPeople(admin.ModelAdmin):
    """What people said, to look at: nobody speaks in somebody else's name."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Event)
class EventAdmin(SaidByPeople):
    """The log, to look at: it is append-only, and goes with its account alone."""

    list_display = ["timestamp", "user", "feedback_type", "item", "retracts_id"]
    list_filter = ["feedback_type", "timestamp"]
    list_select_related = ["user", "item"]
    list_per_page = 50
    search_fields = ["user__username__istartswith", "item__name__istartswith"]
    date_hierarchy = "timestamp"
    ordering = ["-timestamp", "-id"]
    raw_id_fields = ["user", "item", "retracts"]
    show_full_result_count = False  # counting the whole log would be the slowest part of the page

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Saved)
class SavedAdmin(SaidByPeople):
    list_display = ["created_at", "user", "item"]
    list_select_related = ["user", "item"]
    search_fields = ["user__username__istartswith", "item__name__istartswith"]
    raw_id_fields = ["user", "item"]
    date_hierarchy = "created_at"


@admin.register(Dismissal)
class DismissalAdmin(SaidByPeople):
    list_display = ["created_at", "user", "kind", "item", "until"]
    list_filter = ["kind"]
    list_select_related = ["user", "item"]
    search_fields = ["user__username__istartswith", "item__name__istartswith"]
    raw_id_fields = ["user", "item"]
    date_hierarchy = "created_at"
