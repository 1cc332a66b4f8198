"""The pages of bringing a list: upload, preview, progress, result; and of taking one's data along."""

from __future__ import annotations

from dataclasses import replace

from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from catalog.models import Item
from catalog.visibility import shows_adult
from feedback.guests import acting_user
from feedback.history import history_of
from feedback.lists import importing
from feedback.lists.everything import everything_about
from feedback.lists.exporting import rows_of
from feedback.lists.fields import text_of
from feedback.lists.mal import write_mal
from feedback.lists.matching import followed
from feedback.lists.planning import Line, Plan
from feedback.lists.reading import is_short, read_list
from feedback.lists.rows import MOST_ROWS, ListFileError, Row
from feedback.lists.sheets import write_csv
from feedback.metrics import UPLOADS
from feedback.models import FeedbackType, ListImport, Saved
from feedback.redirects import SeeOther
from feedback.refusals import RefusedError, explains_refusals
from feedback.tasks import carry_on_list

PAGE_SIZE = 30
# The tabs of a preview: the plan's own names, and what people call them.
SHOWN = {
    "conflicts": "You said otherwise",
    "new": "New",
    "unmatched": "Not found",
    "same": "Already here",
}
SILENCE = 60  # seconds after which a worker that says nothing may be asked again
NOT_NOW = "Long lists cannot be read at the moment. Yours is kept, and read as soon as that works again."


@require_safe
def lists(request: HttpRequest) -> HttpResponse:
    """Show what may be taken along, and the lists that were brought."""
    context = {
        "reactions": len(history_of(request.user)),
        "saved": Saved.objects.of(request.user).count(),
        "imports": ListImport.objects.of(request.user).without_rows()[:PAGE_SIZE],
    }
    return render(request, "feedback/lists.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """Offer the form; take a list in and lead to its preview, or say at the form why not."""
    context: dict[str, object] = {
        "most_rows": MOST_ROWS,
        "most_megabytes": settings.LIST_UPLOAD_MB,
        "days": settings.LIST_DAYS,
    }
    if request.method != "POST":
        return render(request, "feedback/list_upload.html", context)
    try:
        list_import = _take_in(request)
    except (ListFileError, RefusedError) as error:
        UPLOADS.labels("refused").inc()
        context["sentence"] = error.sentence
        return render(request, "feedback/list_upload.html", context, status=error.status)
    UPLOADS.labels("kept" if list_import.is_unread else "read").inc()
    _start(request, list_import)
    return SeeOther(list_import.get_absolute_url())


def _take_in(request: HttpRequest) -> ListImport:
    """Read the uploaded file, or keep a long one for the workers; who brought no list becomes no guest."""
    if not ratelimit.consume(request, action="list"):
        raise RefusedError(429, "Too many lists came from your network just now. Try again in an hour.")
    file = request.FILES.get("list")  # reading it is what finds it too large
    if getattr(request, "upload_too_large", False):
        raise ListFileError(
            f"This file is larger than {settings.LIST_UPLOAD_MB} MB: compress it with gzip, or split it.", 413
        )
    if file is None:
        raise ListFileError("No file came along. Choose one and send it again.")
    data, name = file.read(), text_of(file.name)
    if not is_short(data):
        importing.check_room(request.user)
        return importing.keep(acting_user(request), data, name)
    content = read_list(data)
    return importing.take_in(acting_user(request), content, name)


def _start(request: HttpRequest, list_import: ListImport) -> None:
    """Do a short list at once and hand a long one to the workers.

    Without a broker a long one is done here too, but for reading its file, which may cost anything.
    """
    if list_import.is_unread or list_import.total > importing.AT_ONCE:
        try:
            carry_on_list.delay(list_import.pk)
        except carry_on_list.OperationalError:
            if list_import.is_unread:
                messages.warning(request, NOT_NOW)
                return
        else:
            return
    importing.carry_on(list_import.pk)


@require_safe
@vary_on_headers("HX-Request")
@explains_refusals
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an import as it stands: progress, preview or result; HTMX asks for the part that changes."""
    list_import = _own(request, pk)
    context: dict[str, object] = {"list_import": list_import}
    if list_import.is_busy:
        silent_for = (timezone.now() - list_import.touched_at).total_seconds()
        # A sign from the future is as old as one from the past: a clock was set back.
        context["is_stuck"] = abs(silent_for) > SILENCE
    elif list_import.state != ListImport.State.REFUSED:
        context |= _preview(request, list_import)
    fragment = "HX-Request" in request.headers
    template = "feedback/_list_import.html" if fragment else "feedback/list_import.html"
    return render(request, template, context)


def _preview(request: HttpRequest, list_import: ListImport) -> dict[str, object]:
    """Return the plan of a preview, or of another import the rows that found no title, one page of them."""
    plan = Plan.of(list_import, followed(map(Row.of_json, list_import.rows)))
    is_preview = list_import.state == ListImport.State.READY
    tabs = {name: len(getattr(plan, name)) for name in SHOWN if is_preview or name == "unmatched"}
    tabs = {name: count for name, count in tabs.items() if count}
    shown = request.GET.get("show", "")
    if shown not in tabs:
        shown = next(iter(tabs), "")
    page_obj = Paginator(getattr(plan, shown) if shown else [], PAGE_SIZE).get_page(request.GET.get("page"))
    page_obj.object_list = _named(request, list(page_obj))
    return {
        "plan": plan,
        "loves": plan.reactions[FeedbackType.LOVE],
        "likes": plan.reactions[FeedbackType.LIKE],
        "dislikes": plan.reactions[FeedbackType.DISLIKE],
        "tabs": [(name, SHOWN[name], count) for name, count in tabs.items()],
        "shown": shown,
        "page_obj": page_obj,
    }


def _named(request: HttpRequest, lines: list[Line]) -> list[Line]:
    """Attach the titles that this person may see; others go by what the list calls them."""
    on_show = Item.objects.visible(adult=shows_adult(request))
    items = on_show.in_bulk([line.row.item_id for line in lines if line.row.item_id])
    return [replace(line, item=items.get(line.row.item_id or 0)) for line in lines]


@require_POST
@explains_refusals
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Write what the preview promised; sent twice it is done once."""
    list_import = _own(request, pk)
    choice = request.POST.get("conflicts", "mine")
    if choice not in {"mine", "theirs"}:
        raise RefusedError(400, "Send conflicts=mine to keep what you said, or theirs to take the list's.")
    if importing.confirm(list_import, overrule=choice == "theirs"):
        _start(request, list_import)
    return SeeOther(list_import.get_absolute_url())


@require_POST
@explains_refusals
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back all that an import wrote; sent twice it is done once."""
    list_import = _own(request, pk)
    if importing.ask_back(list_import):
        _start(request, list_import)
    return SeeOther(list_import.get_absolute_url())


@require_POST
@explains_refusals
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the workers again where one was lost; with two at it nothing is done twice."""
    list_import = _own(request, pk)
    if list_import.is_busy:
        _start(request, list_import)
    return SeeOther(list_import.get_absolute_url())


@require_POST
@explains_refusals
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw away what is not written; an import that was written stays, with its Undo."""
    list_import = _own(request, pk)
    if importing.discard(list_import):
        messages.success(request, "Discarded. Nothing of that list was kept.")
        return SeeOther(resolve_url("feedback:list_upload"))
    return SeeOther(list_import.get_absolute_url())


def _own(request: HttpRequest, pk: int) -> ListImport:
    """Return one of the person's own imports; anybody else's does not exist."""
    list_import = ListImport.objects.of(request.user).without_rows().filter(pk=pk).first()
    if list_import is None:
        raise RefusedError(404, "There is no such import of yours. Your data lists those there are.")
    return list_import


@require_safe
def export_json(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Send everything about the person."""
    if not request.user.is_authenticated:
        return redirect("feedback:lists")
    return _file(everything_about(request.user), "nostrade.json", "application/json")


@require_safe
def export_csv(request: HttpRequest) -> StreamingHttpResponse:
    return _file(write_csv(rows_of(request.user)), "nostrade.csv", "text/csv; charset=utf-8")


@require_safe
def export_mal(request: HttpRequest) -> StreamingHttpResponse:
    return _file(write_mal(rows_of(request.user)), "nostrade.xml", "application/xml")


def _file(pieces: object, name: str, content_type: str) -> StreamingHttpResponse:
    """Stream a file to be saved; it is the person's alone."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(pieces, content_type=content_type, headers=headers)  # type: ignore[arg-type]
