"""What must hold before the site starts; each refusal is one sentence that says what to do."""

from __future__ import annotations

import errno
import fcntl
import shutil
import socket
from pathlib import Path
from typing import IO

from nostrade_site.supervisor import SiteError

FREE_MEGABYTES = 200


def lock(folder: Path) -> IO[str]:
    """Hold the data folder: a second site on it would corrupt the broker's files."""
    file = (folder / "run.lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise SiteError(
            f"the site already runs on {folder}: stop it, or choose another folder with NOSTRADE_DATA_DIR."
        ) from None
    return file


def check_disk(folder: Path, needed: int = FREE_MEGABYTES) -> None:
    free = shutil.disk_usage(folder).free // 2**20
    if free < needed:
        raise SiteError(
            f"{folder} has {free} MB free and the site needs {needed} MB: "
            "make room, or choose another folder with NOSTRADE_DATA_DIR."
        )


def check_address(host: str, port: int) -> None:
    """Refuse an address nobody can listen on before anything is started."""
    if port > 65535:
        raise SiteError(f"PORT={port} does not exist: choose one from 1024 to 65535.")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise SiteError(
                f"cannot listen on {host} port {port} ({error.strerror}): set HOST or PORT."
            ) from None
        advice = f"stop what listens there, or choose another one: PORT={port + 1} make run"
        raise SiteError(f"port {port} is taken: {advice}") from None
