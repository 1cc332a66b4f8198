"""A client of the broker for what must not wait for it."""

from __future__ import annotations

from django.conf import settings
from redis import Redis

PATIENCE = 0.5  # seconds; a probe must not hang on what it asks about


def broker_client() -> Redis:
    """Return a client that gives up soon; whoever asks for it closes it."""
    return Redis.from_url(
        settings.REDIS_URL or f"unix://{settings.EMBEDDED_BROKER_SOCKET}",
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        retry=None,
    )
