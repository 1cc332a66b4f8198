"""A person's list by the champion beside a checkpoint's, in the admin: only with permission, and logged."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from catalog.changes import log
from catalog.text import as_id
from recommender.lists_compared import Lists, load
from recommender.models import Checkpoint, NotServable
from recommender.serving import LiveRanker, get_ranker

LONGEST = 320  # characters of an address
PERMISSION = "recommender.compare_lists"


@require_http_methods(["GET", "HEAD", "POST"])
def compare(request: HttpRequest, pk: int, model_admin: ModelAdmin[Checkpoint]) -> HttpResponse:
    """Ask for a person; given one, show both lists and note in their history who looked."""
    if not request.user.has_perm(PERMISSION) or not model_admin.has_view_permission(request):
        raise PermissionDenied
    checkpoint, live = get_object_or_404(Checkpoint, pk=pk), get_ranker()
    asked = (request.POST if request.method == "POST" else request.GET).get("person", "").strip()
    context = model_admin.admin_site.each_context(request) | {
        "title": "Compare lists",
        "opts": Checkpoint._meta,
        "original": checkpoint,
        "original_url": reverse("admin:recommender_checkpoint_change", args=[pk]),
        "asked": asked,
        "champion": live.version if live else None,
    }
    if request.method == "POST":
        context |= _found(request, asked, checkpoint, live)
    return TemplateResponse(request, "admin/recommender/checkpoint/compare.html", context)


def _found(
    request: HttpRequest, asked: str, checkpoint: Checkpoint, live: LiveRanker | None
) -> dict[str, object]:
    """Return the person and both lists, or say why there are none."""
    person = person_of(asked, by_address=request.user.has_perm("auth.view_user"))
    if person is None:
        messages.error(request, "There is nobody with this name, address or number.")
        return {}
    if live is None:
        messages.error(request, "No checkpoint is live, so there is nothing to compare with.")
        return {}
    try:
        lists = Lists.of(person, live, load(checkpoint, live))
    except NotServable as error:
        messages.error(request, f"{checkpoint} does not load: {error}")
        return {}
    log(request.user, [(person, f"Looked at their lists by {live.version} and {checkpoint}.")])
    return {"person": person, "lists": lists}


def person_of(asked: str, *, by_address: bool) -> AbstractBaseUser | None:
    """Find somebody by their name, address or number, exactly as it is; by address where one may see it."""
    named = Q(username=asked) if asked else Q(pk=None)
    if by_address and 0 < len(asked) <= LONGEST:
        named |= Q(email__iexact=asked)
    people = get_user_model()._default_manager
    if found := people.filter(named).first():
        return found
    number = as_id(asked)
    return people.filter(pk=number).first() if number is not None else None
