"""Reacting, undoing, saving, and the two lists of what a person said and kept."""

from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.http import MAX_URL_REDIRECT_LENGTH, url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from catalog.models import Item
from catalog.visibility import shows_adult
from feedback.guests import acting_user
from feedback.history import Reaction, history_of
from feedback.models import Event, FeedbackType, Saved
from feedback.refusals import RefusedError, explains_refusals
from feedback.templatetags.reactions import UNDO

PAGE_SIZE = 30
KINDS = {"love": FeedbackType.LOVE, "like": FeedbackType.LIKE, "dislike": FeedbackType.DISLIKE}
FEED = "recommender:feed"  # by name only: this app knows no page above it


class SeeOther(HttpResponseRedirect):
    """Post/Redirect/Get: the browser, or HTMX, asks for the next page with GET."""

    status_code = 303


@require_POST
@explains_refusals
def react(request: HttpRequest, anime_id: int) -> HttpResponse:
    """Log a reaction to a title, or take back what was said about it."""
    feedback_type = _feedback_type(request)
    if feedback_type is FeedbackType.RETRACTED:
        return _retract(request, anime_id)
    item = _visible_item(request, anime_id)
    event = Event.objects.record(acting_user(request), item, feedback_type)
    messages.success(request, f"{feedback_type.past} {item}", extra_tags=f"{UNDO}{event.pk}")
    return SeeOther(_next(request))


def _retract(request: HttpRequest, anime_id: int) -> HttpResponse:
    """Take back everything said about a title, also about one that was hidden since."""
    retractions = Event.objects.retract(request.user, anime_id) if request.user.is_authenticated else []
    if not retractions:  # said before, or never: nothing changes, and a title out of sight stays unknown
        _visible_item(request, anime_id)
        return SeeOther(_next(request))
    lost = retractions[-1]
    messages.success(request, f"Took back your reaction to {lost.item}", extra_tags=f"{UNDO}{lost.pk}")
    return SeeOther(_next(request))


@require_POST
@explains_refusals
def undo(request: HttpRequest, event_id: int) -> HttpResponse:
    """Take back one of the person's own events: a reaction, or the removal of one."""
    event = Event.objects.of(request.user).filter(pk=event_id).select_related("item", "retracts").first()
    if event is None:
        raise RefusedError(
            404, "There is nothing of yours to undo here. My activity lists all your reactions."
        )
    Event.objects.undo(event)
    messages.success(request, f"Undone: {event.item}")
    return SeeOther(_next(request))


@require_POST
@explains_refusals
def save(request: HttpRequest, anime_id: int) -> HttpResponse:
    """Keep a title for later, or let it go."""
    wanted = request.POST.get("saved")
    if wanted == "1":
        item = _visible_item(request, anime_id)
        Saved.objects.get_or_create(user_id=acting_user(request).pk, item=item)
        messages.success(request, f"Saved {item}")
    elif wanted == "0":
        _let_go(request, anime_id)
    else:
        raise RefusedError(400, "Send saved=1 to keep the title or saved=0 to let it go.")
    return SeeOther(_next(request))


def _let_go(request: HttpRequest, anime_id: int) -> None:
    """Take a title off the list, also one that was hidden since."""
    kept = Saved.objects.of(request.user).filter(item__anime_id=anime_id).select_related("item").first()
    if kept is not None:
        kept.delete()
        messages.success(request, f"No longer saved: {kept.item}")


@require_safe
def saved(request: HttpRequest) -> HttpResponse:
    """List the titles kept for later that may be shown, the last one first."""
    on_show = Item.objects.visible(adult=shows_adult(request))
    rows = Saved.objects.of(request.user).filter(item__in=on_show)
    rows = rows.select_related("item").prefetch_related("item__genres")
    page_obj = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "feedback/saved.html", {"page_obj": page_obj})


@require_safe
@explains_refusals
def activity(request: HttpRequest) -> HttpResponse:
    """List everything the person said and did not take back, the last word first."""
    kind = request.GET.get("kind", "")
    if kind and kind not in KINDS:
        raise RefusedError(
            400, f"There are no reactions of the kind “{kind}”: choose {', '.join(KINDS)}, or none."
        )
    reactions = [
        reaction
        for reaction in reversed(history_of(request.user).reactions)
        if not kind or reaction.feedback_type == KINDS[kind]
    ]
    page_obj = Paginator(reactions, PAGE_SIZE).get_page(request.GET.get("page"))
    page_obj.object_list = _with_items(list(page_obj))
    context = {
        "page_obj": page_obj,
        "kind": kind,
        "kinds": {name: value.past for name, value in KINDS.items()},
    }
    return render(request, "feedback/activity.html", context)


def _with_items(reactions: list[Reaction]) -> list[Reaction]:
    """Attach the titles and their genres: two queries, however many reactions."""
    items = Item.objects.prefetch_related("genres").in_bulk([reaction.anime_id for reaction in reactions])
    return [replace(reaction, item=items[reaction.anime_id]) for reaction in reactions]


def _feedback_type(request: HttpRequest) -> FeedbackType:
    """Read the form's reaction."""
    try:
        return FeedbackType(int(request.POST.get("feedback_type", "")))
    except ValueError:
        raise RefusedError(
            400, "Send feedback_type 1 for dislike, 2 for like, 3 for love, or 0 to take your reaction back."
        ) from None


def _visible_item(request: HttpRequest, anime_id: int) -> Item:
    """Return a title that this person may see."""
    item = Item.objects.visible(adult=shows_adult(request)).filter(pk=anime_id).first()
    if item is None:
        raise RefusedError(
            404, "This title is not here, or is no longer shown. Search for another one by name."
        )
    return item


def _next(request: HttpRequest) -> str:
    """Return the page to go on with: the form's `next` where it leads to this site, else the feed."""
    url = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if ours and len(url) <= MAX_URL_REDIRECT_LENGTH else resolve_url(FEED)
