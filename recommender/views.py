"""The pages of recommendations; what they show is decided in `feed`, `start`, `similar` and `profile`."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRedirect

from catalog.models import Item
from catalog.moved import moved
from feedback.guests import acting_user
from feedback.history import history_of
from feedback.redirects import SeeOther
from feedback.refusals import RefusedError, explains_refusals
from recommender import impressions
from recommender.bar import address
from recommender.controls import LONGEST_VIEW, Controls, View, read_controls
from recommender.feed import PAGE_SIZE, feed_for
from recommender.forms import PreferencesForm
from recommender.influence import influences_on
from recommender.middleware import PageRequest
from recommender.models import keep_controls
from recommender.order import Order
from recommender.profile import facts_about, taste_of
from recommender.self_test import self_test
from recommender.serving import get_catalogue
from recommender.similar import similar_to
from recommender.start import NEEDED, choices, picks_of
from recommender.zones import zone_of_browser


@require_safe
@vary_on_headers("HX-Request", "HX-Target", "HX-Trigger")
def feed(request: PageRequest) -> HttpResponse:
    shown, number = _whole_number(request, "shown"), _whole_number(request, "page") or 1
    page = feed_for(request.user, page=number, shown=shown, asked=request.GET)
    # An Undo beside an empty feed asks for the whole page; everything else here for cards.
    just_cards = request.htmx and request.htmx.target != "main"
    above = request.GET.get("below")
    begins_anew = just_cards and above not in (None, page.ranked_by)
    if begins_anew:
        page = feed_for(request.user, shown=page.number * PAGE_SIZE, asked=request.GET)
    template = "recommender/_feed.html" if just_cards else "recommender/feed.html"
    response = render(request, template, {"page": page})
    response.headers["X-Ranked-By"] = page.ranked_by
    if begins_anew:  # the cards above are another checkpoint's: a list mixes no two
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#feed", "innerHTML"
    if request.htmx.trigger == "tune":  # without the fields that were left empty
        response.headers["HX-Push-Url"] = address(page.order.view.query)
    impressions.record(request, page)
    return response


@require_POST
@explains_refusals
def keep(request: PageRequest) -> HttpResponse:
    """Keep a view of the feed, given as its query string; an empty one is the feed as it comes."""
    asked = request.POST.get("view", "")
    if len(asked) > LONGEST_VIEW:
        raise RefusedError(400, "This view is too long to keep. Set it with the controls above the feed.")
    controls = read_controls(QueryDict(asked), get_catalogue())
    view = View(controls, controls.lasting)
    keep_controls(acting_user(request), "" if view.kept == Controls() else view.kept.query())
    messages.success(request, "Kept: your feed opens like this from now on.")
    return SeeOther(address(view.query))


@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def start(request: PageRequest) -> HttpResponse:
    picks = picks_of(history_of(request.user))
    if len(picks) >= NEEDED and "more" not in request.GET:
        feed_url = reverse("recommender:feed")
        return HttpResponseClientRedirect(feed_url) if request.htmx else redirect(feed_url)
    query = request.GET.get("q", "").strip()
    items = choices(query, adult=request.show_adult)
    context = {
        "items": items,
        "query": query,
        "picks": picks,
        "needed": NEEDED,
        "more": "more" in request.GET,
    }
    template = "recommender/_start.html" if request.htmx.target == "start" else "recommender/start.html"
    return render(request, template, context)


@require_safe
def title(request: PageRequest, anime_id: int) -> HttpResponse:
    adult = request.show_adult
    titles = Item.objects.visible(adult=True).prefetch_related("genres")
    item = titles.meant_by(anime_id)
    if item is None:
        raise Http404
    if item.pk != anime_id:  # a duplicate that was merged
        return moved(request, item)
    if not adult and any(genre.is_adult for genre in item.genres.all()):
        return render(request, "recommender/adult_off.html", status=404)
    return render(request, "recommender/title.html", {"item": item, "similar": similar_to(item, adult=adult)})


@require_safe
def profile(request: PageRequest) -> HttpResponse:
    order = Order.of(request.user)
    context = {
        "taste": taste_of(order.history, facts_about(order.history, adult=order.adult)),
        "influences": influences_on(order),
        "test": self_test(order),
        "version": order.version,
    }
    return render(request, "recommender/profile.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@explains_refusals
def preferences(request: PageRequest) -> HttpResponse:
    zone = zone_of_browser(request)
    if request.method != "POST":
        form = PreferencesForm.of(request.user, zone)
        return render(request, "recommender/preferences.html", {"form": form})
    form = PreferencesForm(request.POST, browsers_zone=zone)
    if not form.is_valid():
        return render(request, "recommender/preferences.html", {"form": form}, status=400)
    form.save_for(acting_user(request))
    messages.success(request, "Preferences saved.")
    return redirect("recommender:preferences")


def _whole_number(request: PageRequest, name: str) -> int | None:
    """Read a paging parameter; nonsense counts as absent, because an old link should show a feed."""
    value = request.GET.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 6 else None
