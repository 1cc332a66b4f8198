"""Reacting, dismissing, saving, undoing, and the two lists of what a person said and kept."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST, require_safe

from catalog.models import Item, is_about
from catalog.visibility import shows_adult
from feedback.activity import KINDS, LONGEST_QUERY, about, counted, entries_of, with_items
from feedback.context_processors import Mine
from feedback.guests import acting_user
from feedback.models import Dismissal, Event, FeedbackType, Saved
from feedback.redirects import SeeOther, next_page
from feedback.refusals import RefusedError, explains_refusals
from feedback.undoing import Undo, say

PAGE_SIZE = 30


@require_POST
@explains_refusals
def react(request: HttpRequest, anime_id: int) -> HttpResponse:
    """Log a reaction to a title, or take back what was said about it."""
    feedback_type = _feedback_type(request)
    if feedback_type is FeedbackType.RETRACTED:
        return _retract(request, anime_id)
    item = _visible_item(request, anime_id)
    event = Event.objects.record(acting_user(request), item, feedback_type)
    say(request, f"{feedback_type.past} {item}", _undo_of_event(event))
    return SeeOther(next_page(request))


def _retract(request: HttpRequest, anime_id: int) -> HttpResponse:
    """Take back everything said about a title, also about one that was hidden since."""
    retractions = Event.objects.retract(request.user, anime_id) if request.user.is_authenticated else []
    if not retractions:  # said before, or never: nothing changes, and a title out of sight stays unknown
        _visible_item(request, anime_id)
        return SeeOther(next_page(request))
    lost = retractions[-1]
    say(request, f"Took back your reaction to {lost.item}", _undo_of_event(lost))
    return SeeOther(next_page(request))


def _undo_of_event(event: Event) -> Undo:
    return Undo(reverse("feedback:undo", args=[event.pk]))


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
    say(request, f"Undone: {event.item}")
    return SeeOther(next_page(request))


@require_POST
@explains_refusals
def save(request: HttpRequest, anime_id: int) -> HttpResponse:
    """Keep a title for later, or let it go."""
    if _wants_saved(request):
        item = _visible_item(request, anime_id)
        Saved.objects.keep(acting_user(request), item, _since(request))
        _tell(request, f"Saved {item}", item, Undo(request.path, (("saved", "0"),)))
    elif kept := Saved.objects.of(request.user).filter(is_about(anime_id)).select_related("item").first():
        kept.delete()
        again = (("saved", "1"), ("since", kept.created_at.isoformat()))
        _tell(request, f"No longer saved: {kept.item}", kept.item, Undo(request.path, again))
    return SeeOther(next_page(request))


@require_POST
@explains_refusals
def dismiss(request: HttpRequest, anime_id: int) -> HttpResponse:
    """Hide a title (`hide`), for a time or for good, or its franchise; or show it again (`show`)."""
    if "hide" in request.POST:
        kind, item = _kind_of_dismissal(request, "hide"), _visible_item(request, anime_id)
        Dismissal.objects.dismiss(acting_user(request), item, kind, _since(request))
        words = _DISMISSED[kind].format(item=item, days=settings.NOT_NOW_DAYS)
        _tell(request, words, item, Undo(request.path, (("show", kind.value),)))
    else:
        _show_again(request, anime_id, _kind_of_dismissal(request, "show"))
    return SeeOther(next_page(request))


def _show_again(request: HttpRequest, anime_id: int, kind: Dismissal.Kind) -> None:
    """Take a dismissal back, also one of a title that was hidden since."""
    item = Item.objects.meant_by(anime_id) or _visible_item(request, anime_id)
    lifted = Dismissal.objects.of(request.user).about(item, kind).lift()
    if lifted:
        again = Undo(
            reverse("feedback:dismiss", args=[lifted[0].item_id]),
            (("hide", kind.value), ("since", lifted[0].created_at.isoformat())),
        )
        _tell(request, f"{_LIFTED[kind]}: {item}", item, again)


_DISMISSED = {
    Dismissal.Kind.SEEN: "Seen, and not shown again: {item}",
    Dismissal.Kind.NOT_NOW: "Not now: {item} is back in {days} days",
    Dismissal.Kind.FRANCHISE: "Hidden with its whole franchise: {item}",
}

_LIFTED = {
    Dismissal.Kind.SEEN: "No longer marked as seen",
    Dismissal.Kind.NOT_NOW: "Back in your feed",
    Dismissal.Kind.FRANCHISE: "Its franchise is back in your feed",
}


def _tell(request: HttpRequest, text: str, item: Item, undo: Undo) -> None:
    """Say what was done with an Undo, or only that it was undone where this was one."""
    if request.POST.get("undo"):
        say(request, f"Undone: {item}")
    else:
        say(request, text, Undo(undo.url, (*undo.fields, ("undo", "1"))))


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
    """List everything the person said, kept and dismissed, and did not take back, the last word first."""
    kind, query = request.GET.get("kind", ""), request.GET.get("q", "").strip()[:LONGEST_QUERY]
    if kind and kind not in KINDS:
        raise RefusedError(400, f"There is nothing of the kind “{kind}”: choose {', '.join(KINDS)}, or none.")
    mine = Mine(request)
    entries = about(query, entries_of(mine))
    counts = counted(entries)
    chosen = [entry for entry in entries if not kind or entry.kind.name == kind]
    page_obj = Paginator(chosen, PAGE_SIZE).get_page(request.GET.get("page"))
    page_obj.object_list = with_items(list(page_obj))
    context = {
        "my": mine,  # what was read for the list need not be asked again for its buttons
        "page_obj": page_obj,
        "kind": kind,
        "query": query,
        "total": len(entries),
        "kinds": [(each, counts[name]) for name, each in KINDS.items()],
    }
    return render(request, "feedback/activity.html", context)


def _feedback_type(request: HttpRequest) -> FeedbackType:
    """Read the form's reaction."""
    try:
        return FeedbackType(int(request.POST.get("feedback_type", "")))
    except ValueError:
        raise RefusedError(
            400, "Send feedback_type 1 for dislike, 2 for like, 3 for love, or 0 to take your reaction back."
        ) from None


def _wants_saved(request: HttpRequest) -> bool:
    """Read whether the form keeps the title."""
    wanted = request.POST.get("saved")
    if wanted not in {"0", "1"}:
        raise RefusedError(400, "Send saved=1 to keep the title or saved=0 to let it go.")
    return wanted == "1"


def _kind_of_dismissal(request: HttpRequest, name: str) -> Dismissal.Kind:
    """Read what the form hides or shows."""
    try:
        return Dismissal.Kind(request.POST.get(name, ""))
    except ValueError:
        kinds = ", ".join(Dismissal.Kind.values)
        raise RefusedError(
            400, f"Send hide with one of {kinds} to hide the title, or show with one to take that back."
        ) from None


def _since(request: HttpRequest) -> datetime | None:
    """Read when something that is being restored was first said; nonsense and the future count as now."""
    try:
        since = parse_datetime(request.POST.get("since", ""))
        since = since.astimezone(UTC) if since and timezone.is_aware(since) else None
    except (ValueError, OverflowError):  # no date, or one before the calendar begins
        return None
    return since if since and since <= timezone.now() else None


def _visible_item(request: HttpRequest, anime_id: int) -> Item:
    """Return a title that this person may see."""
    item = Item.objects.visible(adult=shows_adult(request)).meant_by(anime_id)
    if item is None:
        raise RefusedError(
            404, "This title is not here, or is no longer shown. Search for another one by name."
        )
    return item
