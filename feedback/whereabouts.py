"""Noting from which network somebody speaks, at most once a day and network."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.contrib.auth.models import AbstractBaseUser
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone

from feedback.models import LastNetwork
from feedback.models.networks import pseudonym_of_network

A_DAY = 24 * 60 * 60


def note_network(request: HttpRequest, user: AbstractBaseUser) -> None:
    """Keep the network of a request that says something; where it was noted today, ask the cache alone."""
    address = address_of(request)
    mark, key = f"{pseudonym_of_network(address)} {timezone.localdate()}", f"network-of-{user.pk}"
    if cache.get(key) != mark:
        LastNetwork.objects.note(user, address)
        cache.set(key, mark, A_DAY)


def address_of(request: HttpRequest) -> str:
    """Return the client's address, as the limits count it: behind proxies only what a trusted one says."""
    try:
        return str(get_adapter().get_client_ip(request))
    except PermissionDenied:  # a socket without addresses: all who come by it are one network
        return ""
