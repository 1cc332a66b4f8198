"""System checks: settings that each make sense and together do not. `manage.py check` runs them.

E001 files would be served to everybody   W001 HTTPS that is not trusted   W002 a plain origin under HTTPS
W003 ratings that are not there           W004 DEBUG under a public name
E002 SENTRY_DSN without sentry-sdk        W005 a METRICS_TOKEN that can be guessed
W006 a secret key for each host           W007 mails that nobody gets
W008 pictures from everywhere             W009 an answer to every name
W010 links to a guessed or wrong address
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from nostrade_site import reporting
from nostrade_site.environment import LOCAL_NAMES, host_of

OWN = set(LOCAL_NAMES)


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
    for name in ("CSRF_TRUSTED_ORIGINS", "CORS_ALLOWED_ORIGINS"):
        if settings.HTTPS and any(origin.startswith("http://") for origin in getattr(settings, name)):
            found.append(
                checks.Warning(
                    f"{name} trusts a plain http:// origin under HTTPS=1.",
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


@register(Tags.security)
def secrets(**_: Any) -> list[CheckMessage]:
    """Warn of a token that can be guessed, and of a key that each host would make for itself."""
    found: list[CheckMessage] = []
    if settings.METRICS_TOKEN and len(set(settings.METRICS_TOKEN)) < 8:
        hint = "`openssl rand -hex 24` makes one that cannot."
        found.append(checks.Warning("METRICS_TOKEN can be guessed.", hint=hint, id="nostrade.W005"))
    if settings.REDIS_URL and not os.environ.get("SECRET_KEY"):
        found.append(
            checks.Warning(
                "REDIS_URL is set and SECRET_KEY is not: each host would make a key of its own.",
                hint="Set the same SECRET_KEY on all of them: `openssl rand -base64 48` makes one.",
                id="nostrade.W006",
            )
        )
    return found


@register(Tags.security)
def strangers(**_: Any) -> list[CheckMessage]:
    """Warn of what is open to everybody, or reaches nobody, on a site with a public name."""
    found: list[CheckMessage] = []
    if set(settings.ALLOWED_HOSTS) - OWN and settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        hint = "Name a mail server in EMAIL_URL: smtp+tls://user:password@host:587."
        said = "Mails go to the log: nobody can reset a password."
        found.append(checks.Warning(said, hint=hint, id="nostrade.W007"))
    if any(host in {"*", "http:", "https:"} for host in settings.POSTER_HOSTS):
        hint = "Name the hosts that have the pictures: any other could follow your visitors."
        found.append(checks.Warning("POSTER_HOSTS names every host.", hint=hint, id="nostrade.W008"))
    if "*" in settings.ALLOWED_HOSTS:
        hint = "Name the hosts that people use: a forged name would get into mails."
        found.append(checks.Warning("ALLOWED_HOSTS=* answers to every name.", hint=hint, id="nostrade.W009"))
    return found


@register(Tags.security)
def links(**_: Any) -> list[CheckMessage]:
    """Warn where links in mails begin with an address that was guessed, or that people cannot open."""
    own_name = set(settings.ALLOWED_HOSTS) - OWN
    if not own_name or (os.environ.get("SITE_URL") and host_of(settings.SITE_URL) not in OWN):
        return []
    hint = "Set SITE_URL to the address that people type: https://anime.example."
    return [checks.Warning(f"Links in mails begin with {settings.SITE_URL}.", hint=hint, id="nostrade.W010")]


@register()
def errors_sent(**_: Any) -> list[CheckMessage]:
    """Refuse to send errors without what sends them: nobody would miss them until they are needed."""
    if not settings.SENTRY_DSN or reporting.is_installed():
        return []
    hint = "Install it with `pip install sentry-sdk`, or unset SENTRY_DSN."
    return [Error(reporting.MISSING, hint=hint, id="nostrade.E002")]
