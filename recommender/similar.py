"""Titles like another one: the model's neighbours, or the popular ones of its genres where it knows none."""

from __future__ import annotations

from itertools import islice

from django.db.models import Count

from catalog.models import Item
from recommender.series import LOOKAHEAD, spread
from recommender.serving import get_ranker

N_SIMILAR = 12


def similar_to(item: Item, *, adult: bool) -> list[Item]:
    """Return up to twelve visible titles like `item`, nearest first, not all of them its own seasons."""
    live = get_ranker()
    if live is None or not live.ranker.knows(item.pk):
        return of_its_genres(item, adult=adult)
    withheld = set(Item.objects.withheld(adult=True).order_by().values_list("pk", flat=True))
    if not adult:
        withheld.update(live.catalogue.ids_of(live.catalogue.is_adult))
    near = live.ranker.similar(item.pk, N_SIMILAR + LOOKAHEAD, exclude=withheld | live.strangers)
    chosen = list(islice(spread((other.item_id for other in near), live.series), N_SIMILAR))
    items = Item.objects.prefetch_related("genres").in_bulk(chosen)
    return [items[pk] for pk in chosen if pk in items]


def of_its_genres(item: Item, *, adult: bool) -> list[Item]:
    """Return the titles that share most genres with `item`, the popular ones first."""
    genres = [genre.pk for genre in item.genres.all()]
    sharing = Item.objects.visible(adult=adult).filter(genres__in=genres).exclude(pk=item.pk)
    nearest = sharing.annotate(n_shared=Count("genres")).order_by("-n_shared", "-members", "anime_id")
    return list(nearest.prefetch_related("genres")[:N_SIMILAR])
