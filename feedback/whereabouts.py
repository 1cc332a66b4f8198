"""Noting from which network somebody speaks, at most once a day and network."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone

from feedback.models import LastNetwork
from feedback.models.networks import pseudonym_of_network
from feedback.networks import client_address

A_DAY = 24 * 60 * 60


def note_network(request: HttpRequest, user: AbstractBaseUser) -> None:
    """Keep the network of a request that says something; where it was noted today, ask the cache alone."""
    address = client_address(request)
    mark, key = f"{pseudonym_of_network(address)} {timezone.localdate()}", f"network-of-{user.pk}"
    if cache.get(key) != mark:
        LastNetwork.objects.note(user, address)
        cache.set(key, mark, A_DAY)
