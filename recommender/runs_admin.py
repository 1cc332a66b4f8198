"""The log of a training run in the admin, which goes on by itself while the run does."""

from __future__ import annotations

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from recommender.models import Checkpoint
from recommender.runs import is_dead

TEMPLATE = "admin/recommender/checkpoint/_run.html"


@require_safe
def run_log(request: HttpRequest, pk: int, model_admin: ModelAdmin[Checkpoint]) -> HttpResponse:
    """Return the log of one run, for the page that polls it."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    return render(request, TEMPLATE, run_context(get_object_or_404(Checkpoint, pk=pk)) | {"polled": True})


def run_context(checkpoint: Checkpoint) -> dict[str, object]:
    """Return what the log's template asks for, the latest line first."""
    going = checkpoint.state == Checkpoint.State.TRAINING
    return {
        "checkpoint": checkpoint,
        "going": going,
        "silent": going and is_dead(checkpoint),
        "lines": checkpoint.lines.order_by("-id"),
    }
