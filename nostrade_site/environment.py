"""Reading the environment for the settings: nonsense is refused with a sentence that says what to do."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import stat
import sys
import tempfile
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

env = environ.Env()
DATABASE_SCHEMES = {"sqlite", "postgres", "postgresql"}
REDIS_SCHEMES = {"redis", "rediss"}
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
PRIVATE = 0o700
YES, NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def flag(name: str, *, default: bool) -> bool:
    """Return a yes-or-no variable."""
    value = os.environ.get(name, str(default)).strip().lower()
    if value not in YES | NO:
        raise ImproperlyConfigured(f"{name}={value} is neither yes nor no: write 1 or 0.")
    return value in YES


def number(name: str, *, default: float, minimum: float = 0) -> float:
    """Return a number that is at least `minimum`."""
    value = os.environ.get(name, "") or str(default)
    try:
        parsed = float(value)
    except ValueError:
        parsed = float("nan")
    if not minimum <= parsed < float("inf"):  # also false for nan
        raise ImproperlyConfigured(f"{name}={value} must be a number of at least {minimum:g}.")
    return parsed


def whole_number(name: str, *, default: int, minimum: int = 0) -> int:
    """Return a number without a fraction that is at least `minimum`."""
    value = number(name, default=default, minimum=minimum)
    if value != int(value):
        raise ImproperlyConfigured(f"{name}={value:g} must be a whole number.")
    return int(value)


def rate(name: str, *, default: str) -> str:
    """Return a throttle rate as DRF reads it."""
    value = os.environ.get(name) or default
    if not re.fullmatch(r"\d+/(s|sec|m|min|h|hour|d|day)", value):
        raise ImproperlyConfigured(f"{name}={value} must look like {default} (per s, min, hour or day).")
    return value


def rate_per_address(name: str, *, default: str) -> str:
    """Return a rate for each network address as allauth reads it."""
    value = os.environ.get(name) or default
    if not re.fullmatch(r"[1-9]\d*/\d*[smhd]/ip", value):
        raise ImproperlyConfigured(
            f"{name}={value} must look like {default}: how many per s, m, h or d, from each network address."
        )
    return value


def log_level(name: str, *, default: str) -> str:
    """Return the name of a logging level."""
    value = (os.environ.get(name) or default).upper()
    if value not in logging.getLevelNamesMapping():
        raise ImproperlyConfigured(f"{name}={value} must be DEBUG, INFO, WARNING or ERROR.")
    return value


def choice(name: str, *, default: str, among: tuple[str, ...]) -> str:
    """Return one of a few words."""
    value = (os.environ.get(name) or default).lower()
    if value not in among:
        raise ImproperlyConfigured(f"{name}={value} must be {' or '.join(among)}.")
    return value


def token(name: str) -> str:
    """Return a secret that programs send, or nothing. The refusal does not repeat it."""
    value = os.environ.get(name, "").strip()
    if value and not re.fullmatch(r"[A-Za-z0-9._~+/=-]{16,200}", value):
        raise ImproperlyConfigured(
            f"{name} must have 16 or more letters, digits and ._~+/=-; `openssl rand -hex 24` makes one."
        )
    return value


def dsn(name: str) -> str:
    """Return the address that errors are sent to, or nothing. The refusal does not repeat its key."""
    value = os.environ.get(name, "").strip()
    if value and not re.fullmatch(r"https?://\w+(:\w+)?@[\w.:\[\]-]+(/[\w/-]+)?/\d+", value):
        raise ImproperlyConfigured(f"{name} must look like https://key@host/1.")
    return value


def address(name: str, *, default: str) -> str:
    """Return an address or name to listen on; of an IPv6 address without brackets and in its short form."""
    value = (os.environ.get(name) or default).strip()
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    try:
        return str(ip_address(bare))
    except ValueError:
        if not re.fullmatch(r"[A-Za-z0-9._-]+", value):
            raise ImproperlyConfigured(
                f"{name}={value} must be an address such as 127.0.0.1 or ::1, without a port."
            ) from None
        return value


def in_url(host: str) -> str:
    """Return an address or name as it is written in a URL and in `Host`: IPv6 within brackets."""
    return f"[{host.replace('%', '%25')}]" if ":" in host else host


def hosts(name: str) -> list[str]:
    """Return host names; IPv6 addresses as browsers send them, with brackets and in their short form."""
    found = []
    for value in (each.strip() for each in env.list(name, default=[])):
        bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
        with contextlib.suppress(ValueError):
            value = in_url(str(IPv6Address(bare)))
        if not re.fullmatch(r"\*|\.?[A-Za-z0-9._-]+|\[[0-9a-f:.]+\]", value):
            raise ImproperlyConfigured(
                f"{name}: {value} is no host name: write anime.example, without a scheme, port or path."
            )
        found.append(value.lower())
    return found


def origin(name: str, *, hosts: list[str], port: int, https: bool) -> str:
    """Return the address that links begin with: the variable's, or that of the first of `hosts`."""
    value = os.environ.get(name, "").strip().rstrip("/")
    if value:
        if not re.fullmatch(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?", value):
            raise ImproperlyConfigured(
                f"{name}={value} must look like https://anime.example, without a path."
            )
        return value.lower()
    named = [host for host in hosts if not host.startswith((".", "*")) and host not in LOCAL_NAMES]
    if https:
        return f"https://{named[0] if named else 'localhost'}"
    shown = "" if port == 80 else f":{port}"
    return f"http://{named[0] if named else 'localhost'}{shown}"


def host_of(url: str) -> str:
    """Return the name or address in an origin, without its port."""
    return re.sub(r":\d+$", "", url.partition("://")[2])


def data_dir(default: Path) -> Path:
    """Return the folder for everything this installation writes, made and writable."""
    path = Path(os.environ.get("NOSTRADE_DATA_DIR") or default).resolve()
    try:
        path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        _make_private(path)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {path} cannot be written ({error.strerror}): "
            "make it writable, or name another one in NOSTRADE_DATA_DIR."
        ) from error
    return path


def _make_private(folder: Path) -> None:
    """Keep other users of this machine out of a folder with sessions and reactions, one made earlier too."""
    status = folder.stat()
    if status.st_mode & stat.S_ISVTX:
        raise ImproperlyConfigured(
            f"The data folder {folder} is one that everybody uses: name a folder of the site's own in it."
        )
    if status.st_mode & ~PRIVATE & 0o777 and status.st_uid == os.getuid():
        folder.chmod(PRIVATE)
        sys.stderr.write(
            f"nostrade: others could read {folder}; now only its owner can. Where another user serves the"
            " static files in it, name a folder outside it in STATIC_ROOT.\n"
        )


def secret_key(folder: Path) -> str:
    """Return SECRET_KEY, or the one generated at first start beside the data."""
    key = os.environ.get("SECRET_KEY", "")
    if key:
        return key
    path = folder / "secret_key"
    if not path.exists():
        # Written aside and linked: of several processes starting at once one key wins, and never half of one.
        descriptor, draft = tempfile.mkstemp(dir=folder)  # mode 600
        with os.fdopen(descriptor, "w") as file:
            file.write(get_random_secret_key())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        Path(draft).unlink()
    key = path.read_text().strip()
    if not key:
        raise ImproperlyConfigured(
            f"{path} is empty: delete it, and a new secret key is made at the next start."
        )
    return key


def database(default: Path) -> dict[str, Any]:
    """Return the database of DATABASE_URL, or the SQLite file `default`."""
    url = os.environ.get("DATABASE_URL") or f"sqlite:///{default}"
    if urlsplit(url).scheme not in DATABASE_SCHEMES or "://" not in url:
        raise ImproperlyConfigured(
            "DATABASE_URL must look like postgres://user:password@host:5432/name or sqlite:////path/to/file."
        )
    try:
        config: dict[str, Any] = env.db_url_config(url)
    except ValueError as error:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {error}.") from error
    # SQLite's too: a new one reads the schema again and forgets every statement, a twelfth of a page's time.
    config |= {"CONN_MAX_AGE": whole_number("CONN_MAX_AGE", default=60), "CONN_HEALTH_CHECKS": True}
    if urlsplit(url).scheme != "sqlite":
        if not config["NAME"]:
            raise ImproperlyConfigured("DATABASE_URL names no database: it ends in /name.")
        # Without one a host that does not answer is waited for as long as the system does: two minutes.
        config = {"OPTIONS": {}} | config
        return config | {"OPTIONS": {"connect_timeout": 5} | config["OPTIONS"]}
    # WAL alone still loses writers under load: IMMEDIATE makes them queue instead of failing at commit.
    pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
    options = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": pragmas}
    return config | {"ENGINE": "nostrade_site.sqlite3", "OPTIONS": options}


def redis_url() -> str:
    """Return REDIS_URL, or nothing where the embedded broker serves."""
    url = os.environ.get("REDIS_URL", "")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        readable = parts.scheme in REDIS_SCHEMES and parts.hostname and (parts.port or 1)
    except ValueError:
        readable = False
    if not readable or not re.fullmatch(r"/?|/\d+/?", parts.path):
        raise ImproperlyConfigured(
            "REDIS_URL must look like redis://:password@host:6379/0 (or rediss:// for TLS)."
        )
    return url


def storage_url(name: str) -> str:
    """Return the address of a shared storage without the slash at its end; nothing where there is none."""
    url = os.environ.get(name, "").strip()
    if url and not re.fullmatch(r"file:///\S*|[a-z][a-z0-9+.-]*://[^\s/]\S*", url):
        raise ImproperlyConfigured(f"{name}={url} must look like s3://bucket/prefix or file:///mnt/models.")
    return url.rstrip("/")


def next_database(url: str) -> str:
    """Return the Redis address of the database after `url`'s: clearing a cache flushes its whole database."""
    parts = urlsplit(url)
    return parts._replace(path=f"/{int(parts.path.strip('/') or 0) + 1}").geturl()


def email(default: str) -> dict[str, Any]:
    """Return Django's EMAIL_* settings from EMAIL_URL."""
    url = os.environ.get("EMAIL_URL") or default
    try:
        config: dict[str, Any] = env.email_url_config(url)
    except (ValueError, environ.ImproperlyConfigured) as error:
        example = "smtp+tls://user:password@host:587"
        raise ImproperlyConfigured(f"EMAIL_URL must look like {example} ({error}).") from error
    return config


def embedded_socket(folder: Path) -> Path:
    """Return where the embedded broker listens: beside the data, or in /tmp where that path is too long."""
    path = folder / "broker" / "valkey.sock"
    if len(os.fsencode(path)) < 90:  # sun_path ends at 108 bytes (macOS: 104)
        return path
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"nostrade-{os.getuid()}-{digest}" / "valkey.sock"
