"""System checks: settings that each make sense and together do not. `manage.py check` runs them.

E001 files would be served to everybody   W001 HTTPS that is not trusted   W002 a plain origin under HTTPS
W003 ratings that are not there           W004 DEBUG under a public name
E002 SENTRY_DSN without sentry-sdk
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from nostrade_site import reporting

OWN = {"localhost", "127.0.0.1", "[::1]"}


@register(Tags.security)
def private_folders(**_: Any) -> list[CheckMessage]:
    """Refuse folders of secrets and checkpoints that lie in the folder of the static files."""
    public = Path(settings.STATIC_ROOT).resolve()
    named = {"NOSTRADE_DATA_DIR": settings.DATA_DIR, "CHECKPOINT_DIR": settings.CHECKPOINT_DIR}
    return [
        Error(
            f"{name} lies in STATIC_ROOT: everybody could read what is in it.",
            hint="Name a folder in STATIC_ROOT that has static files alone.",
            id="nostrade.E001",
        )
        for name, folder in named.items()
        if Path(folder).resolve().is_relative_to(public)
    ]


@register(Tags.security)
def https(**_: Any) -> list[CheckMessage]:
    """Warn of TLS that stops half-way."""
    found: list[CheckMessage] = []
    if settings.BEHIND_PROXY and not settings.HTTPS and set(settings.ALLOWED_HOSTS) - OWN:
        found.append(
            checks.Warning(
                "BEHIND_PROXY=1 without HTTPS=1: cookies travel unprotected.",
                hint="Set HTTPS=1 where the proxy speaks TLS.",
                id="nostrade.W001",
            )
        )
    if settings.HTTPS and any(origin.startswith("http://") for origin in settings.CSRF_TRUSTED_ORIGINS):
        found.append(
            checks.Warning(
                "CSRF_TRUSTED_ORIGINS trusts a plain http:// origin under HTTPS=1.",
                hint="Write https:// there.",
                id="nostrade.W002",
            )
        )
    return found


@register(Tags.files)
def ratings(**_: Any) -> list[CheckMessage]:
    """Warn of bootstrap ratings that a run would look for in vain."""
    if not settings.RATINGS_CSV or Path(settings.RATINGS_CSV).is_file():
        return []
    hint = "Name the file, or unset it: people are then sampled from the serving checkpoint."
    return [checks.Warning(f"RATINGS_CSV={settings.RATINGS_CSV} is no file.", hint=hint, id="nostrade.W003")]


@register(Tags.security)
def debug(**_: Any) -> list[CheckMessage]:
    """Warn of debug pages, which show code and settings, where strangers may cause them."""
    if not settings.DEBUG or not set(settings.ALLOWED_HOSTS) - OWN:
        return []
    return [
        checks.Warning(
            "DEBUG=1 on a site with a public name.",
            hint="Unset DEBUG, or ALLOWED_HOSTS while you develop.",
            id="nostrade.W004",
        )
    ]


@register()
def errors_sent(**_: Any) -> list[CheckMessage]:
    """Refuse to send errors without what sends them: nobody would miss them until they are needed."""
    if not settings.SENTRY_DSN or reporting.is_installed():
        return []
    hint = "Install it with `pip install sentry-sdk`, or unset SENTRY_DSN."
    return [Error(reporting.MISSING, hint=hint, id="nostrade.E002")]
