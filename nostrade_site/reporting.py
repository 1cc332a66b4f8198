"""Errors sent to Sentry, or what speaks like it, where `SENTRY_DSN` says so; else nothing is imported.

What leaves the site is the error, its lines and the name of the route. Nothing of the person and nothing that
was sent goes along: no cookies, headers, bodies, queries, addresses or local variables.
"""

from __future__ import annotations

import importlib.util
import logging
import tomllib
from typing import TYPE_CHECKING, Any

from django.conf import settings

from nostrade_site import request_ids
from nostrade_site.logs import without_secrets

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

logger = logging.getLogger(__name__)

MISSING = "SENTRY_DSN is set, and the package sentry-sdk is not installed: errors are not sent."
KEPT_OF_A_REQUEST = ("method", "url")


def is_installed() -> bool:
    return importlib.util.find_spec("sentry_sdk") is not None


def start() -> None:
    """Send what goes wrong in this process, in requests and in tasks."""
    if not settings.SENTRY_DSN:
        return
    if not is_installed():
        logger.error("%s Install it: pip install sentry-sdk", MISSING)
        return
    import sentry_sdk  # noqa: PLC0415  # importing it takes two seconds, and few sites want it
    from sentry_sdk.integrations.celery import CeleryIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.django import DjangoIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.logging import ignore_logger  # noqa: PLC0415

    ignore_logger("django.security.DisallowedHost")  # scanners, all day
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=f"nostrade@{version()}",
        integrations=[DjangoIntegration(), CeleryIntegration()],
        auto_enabling_integrations=False,
        send_default_pii=False,
        include_local_variables=False,  # a password may be one
        max_request_body_size="never",
        before_send=blanked,
    )


def version() -> str:
    """Return the version of this checkout."""
    told = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())
    return str(told["project"]["version"])


def blanked(event: Event, hint: Hint) -> Event | None:
    """Leave out of an event whatever is about a person, and blank what looks like a secret in the rest."""
    for part in ("user", "extra"):
        event.pop(part, None)  # type: ignore[misc]
    if request := event.get("request"):
        kept = {name: request[name] for name in KEPT_OF_A_REQUEST if name in request}
        event["request"] = kept | {"url": str(kept.get("url", "")).partition("?")[0]}
    event.setdefault("tags", {})["request_id"] = request_ids.current.get()
    return _without_secrets(event)  # type: ignore[no-any-return]


def _without_secrets(part: Any) -> Any:
    if isinstance(part, str):
        return without_secrets(part)
    if isinstance(part, dict):
        return {name: _without_secrets(inner) for name, inner in part.items()}
    return [_without_secrets(inner) for inner in part] if isinstance(part, list | tuple) else part
