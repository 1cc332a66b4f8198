from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from feedback.guests import short_name
from feedback.models import Dismissal, Event, Saved


class SaidByPeople(admin.ModelAdmin):
    """What people said, to look at: nobody speaks in somebody else's name."""

    @admin.display(description="person", ordering="user__username")
    def person(self, row: Any) -> str:
        return short_name(row.user)

    @admin.display(description="title", ordering="item__name")
    def title(self, row: Any) -> str:
        return str(row.item)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Event)
class EventAdmin(SaidByPeople):
    """The log, to look at: it is append-only, and goes with its account alone."""

    list_display = ["timestamp", "person", "feedback_type", "title", "retracts_id"]
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
    list_display = ["created_at", "person", "title"]
    list_select_related = ["user", "item"]
    search_fields = ["user__username__istartswith", "item__name__istartswith"]
    raw_id_fields = ["user", "item"]
    date_hierarchy = "created_at"


@admin.register(Dismissal)
class DismissalAdmin(SaidByPeople):
    list_display = ["created_at", "person", "kind", "title", "until"]
    list_filter = ["kind"]
    list_select_related = ["user", "item"]
    search_fields = ["user__username__istartswith", "item__name__istartswith"]
    raw_id_fields = ["user", "item"]
    date_hierarchy = "created_at"
