from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from feedback.admin import SaidByPeople
from recommender import tasks
from recommender.comparisons import Comparison
from recommender.faithful import Faithful
from recommender.lists_admin import compare
from recommender.models import Checkpoint, Ignored, NotServable, Preferences
from recommender.online_admin import online
from recommender.runs_admin import TEMPLATE, run_context, run_log

CHANGELIST = "admin:recommender_checkpoint_changelist"


@admin.register(Checkpoint)
class CheckpointAdmin(admin.ModelAdmin):
    """The registry. Rows come from training; here they are read, promoted and rolled back, never edited."""

    list_display = ("version", "standing", "verdict", "made")
    list_filter = ("state",)
    search_fields = ("version", "verdict", "git_revision")
    actions = ("promote", "roll_back", "take_as_reference")
    change_list_template = "admin/recommender/checkpoint/change_list.html"
    change_form_template = "admin/recommender/checkpoint/change_form.html"
    fieldsets = (
        (None, {"fields": ("version", "state", "verdict", "parent", "created_at", "promoted_at")}),
        ("Beside the champion", {"fields": ("compared",)}),
        ("Its reasons", {"fields": ("faithful",)}),
        (
            "What it was made of",
            {
                "fields": (
                    "config",
                    "metrics",
                    "data_fingerprint",
                    "git_revision",
                    "last_event_id",
                    "size_bytes",
                ),
                "classes": ("collapse",),
            },
        ),
        ("Its run", {"fields": ("run", "holder", "attempts", "heartbeat_at", "rolled_back_at")}),
    )

    class Media:
        css = {"all": ["css/admin-checkpoint.css"]}

    def get_fieldsets(self, request: HttpRequest, obj: Checkpoint | None = None) -> Any:
        """Show of a run that is going nothing but the run: nothing else is known yet."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None and obj.state == Checkpoint.State.TRAINING:
            return (fieldsets[0], fieldsets[-1])
        return fieldsets

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
        return [*(field.name for field in Checkpoint._meta.fields), "compared", "faithful", "run"]

    def get_urls(self) -> list[URLPattern]:
        """Add the buttons of the two pages."""
        view = self.admin_site.admin_view
        return [
            path("online/", view(partial(online, model_admin=self)), name="recommender_checkpoint_online"),
            path("retrain/", view(self.retrain_view), name="recommender_checkpoint_retrain"),
            path(
                "<int:pk>/compare/",
                view(partial(compare, model_admin=self)),
                name="recommender_checkpoint_compare",
            ),
            path(
                "<int:pk>/log/", view(partial(run_log, model_admin=self)), name="recommender_checkpoint_log"
            ),
            path("<int:pk>/promote/", view(self.promote_view), name="recommender_checkpoint_promote"),
            path("<int:pk>/roll-back/", view(self.roll_back_view), name="recommender_checkpoint_roll_back"),
            *super().get_urls(),
        ]

    @admin.display(description="state", ordering="state")
    def standing(self, checkpoint: Checkpoint) -> str:
        mark = '<span class="mark mark--{}">{}</span>'
        return format_html(mark, checkpoint.state, checkpoint.get_state_display())

    @admin.display(description="made", ordering="created_at")
    def made(self, checkpoint: Checkpoint) -> str:
        return date_format(checkpoint.created_at, "DATETIME_FORMAT")

    @admin.display(description="Checks, figures and lists")
    def compared(self, checkpoint: Checkpoint) -> str:
        return render_to_string(
            "admin/recommender/checkpoint/_comparison.html",
            {"comparison": Comparison.of(checkpoint.comparison)},
        )

    @admin.display(description="Faithful")
    def faithful(self, checkpoint: Checkpoint) -> str:
        found = Faithful.of(checkpoint.metrics)
        return found.details if found else "Not measured yet; it is within ten minutes where a worker runs."

    @admin.display(description="Log")
    def run(self, checkpoint: Checkpoint) -> str:
        return render_to_string(TEMPLATE, run_context(checkpoint))

    @method_decorator(require_POST)
    def retrain_view(self, request: HttpRequest) -> HttpResponse:
        """Ask the training worker for a run."""
        self._refuse_readers(request)
        try:
            tasks.retrain.delay()
        except tasks.retrain.OperationalError as error:
            self.message_user(
                request, f"The broker does not answer, nothing was asked: {error}", messages.ERROR
            )
        else:
            said = "A run is asked for. Reload this page to see it; the verdict says how it ended."
            self.message_user(request, said, messages.SUCCESS)
        return redirect(CHANGELIST)

    @method_decorator(require_POST)
    def promote_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._refuse_readers(request)
        self._promote(request, checkpoint := get_object_or_404(Checkpoint, pk=pk))
        return redirect(reverse("admin:recommender_checkpoint_change", args=[checkpoint.pk]))

    @method_decorator(require_POST)
    def roll_back_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._refuse_readers(request)
        self._roll_back(request, checkpoint := get_object_or_404(Checkpoint, pk=pk))
        return redirect(reverse("admin:recommender_checkpoint_change", args=[checkpoint.pk]))

    @admin.action(description="Promote: serve this checkpoint", permissions=["change"])
    def promote(self, request: HttpRequest, queryset: QuerySet[Checkpoint]) -> None:
        if (checkpoint := self._only(request, queryset)) is not None:
            self._promote(request, checkpoint)

    @admin.action(description="Roll back: leave this checkpoint for the one before", permissions=["change"])
    def roll_back(self, request: HttpRequest, queryset: QuerySet[Checkpoint]) -> None:
        if (checkpoint := self._only(request, queryset)) is not None:
            self._roll_back(request, checkpoint)

    @admin.action(description="Take as the reference: measure drift from here", permissions=["change"])
    def take_as_reference(self, request: HttpRequest, queryset: QuerySet[Checkpoint]) -> None:
        """Say that somebody has looked at a checkpoint's pages, and found them good."""
        if (checkpoint := self._only(request, queryset)) is not None:
            checkpoint.take_as_reference()
            self.log_change(request, checkpoint, "Taken as the reference.")
            said = f"How far later nights lead is measured from {checkpoint}."
            self.message_user(request, said, messages.SUCCESS)

    def _promote(self, request: HttpRequest, checkpoint: Checkpoint) -> None:
        try:
            checkpoint.promote()
        except NotServable as error:
            self.message_user(request, f"Not promoted, nothing changed: {error}", messages.ERROR)
        else:
            self.log_change(request, checkpoint, "Promoted.")
            self.message_user(
                request, f"{checkpoint} is active; the site serves it within seconds.", messages.SUCCESS
            )

    def _roll_back(self, request: HttpRequest, checkpoint: Checkpoint) -> None:
        try:
            earlier = checkpoint.roll_back()
        except NotServable as error:
            self.message_user(request, f"Not rolled back, nothing changed: {error}", messages.ERROR)
        else:
            self.log_change(request, checkpoint, f"Rolled back to {earlier}.")
            self.message_user(request, f"Rolled back: {earlier} is active.", messages.SUCCESS)

    def _refuse_readers(self, request: HttpRequest) -> None:
        if not self.has_change_permission(request):
            raise PermissionDenied

    def _only(self, request: HttpRequest, queryset: QuerySet[Checkpoint]) -> Checkpoint | None:
        if len(chosen := list(queryset[:2])) == 1:
            return chosen[0]
        self.message_user(request, "Choose exactly one checkpoint.", messages.ERROR)
        return None


@admin.register(Preferences)
class PreferencesAdmin(SaidByPeople):
    list_display = ("user", "show_adult", "wildcards")
    list_filter = ("show_adult",)
    list_select_related = ("user",)
    search_fields = ("user__username",)
    raw_id_fields = ("user",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: without the row the defaults would hold, which this person did not choose."""
        return False


@admin.register(Ignored)
class IgnoredAdmin(SaidByPeople):
    list_display = ("person", "title", "created_at")
    list_select_related = ("user", "item")
    search_fields = ("user__username", "item__name")
    raw_id_fields = ("user", "item")
