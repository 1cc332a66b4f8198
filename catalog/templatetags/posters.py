"""`{% load posters %}`: the addresses of posters."""

from urllib.parse import urlsplit

from django import template
from django.conf import settings

from catalog.addresses import address_of
from catalog.models import Item

register = template.Library()


@register.simple_tag
def poster_src(item: Item) -> str:
    """Return the address of the drawn poster, with its version, so that browsers may keep it for ever."""
    return f"{address_of('catalog:poster', item.pk)}?v={item.poster_version}"


@register.simple_tag
def photo_src(item: Item) -> str:
    """Return the address of the picture, or nothing where the site lets no pictures in from its host."""
    address = urlsplit(item.poster_url)
    allowed = {address.netloc, f"{address.scheme}://{address.netloc}"} & set(settings.POSTER_HOSTS)
    return item.poster_url if allowed else ""
