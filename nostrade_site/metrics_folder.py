"""Where one gunicorn's workers count, and the end of what earlier ones left: no death must leave a folder.

Each master holds a lock on its own folder, and so do its workers. The lock ends with the last of them,
however they end, and the next master removes what has no lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

LOCK = "lock"


def claim(parent: Path) -> Path:
    """Make a folder that is this process's and its children's; remove those whose owners are gone."""
    parent.mkdir(parents=True, exist_ok=True)
    with (parent / LOCK).open("a") as everybody:
        fcntl.flock(everybody, fcntl.LOCK_EX)
        for folder in parent.iterdir():
            if folder.is_dir() and _is_left(folder):
                shutil.rmtree(folder, ignore_errors=True)
        mine = Path(tempfile.mkdtemp(dir=parent))
        lock = os.open(mine / LOCK, os.O_CREAT | os.O_RDWR, 0o600)  # open until the last process ends
        fcntl.flock(lock, fcntl.LOCK_EX)
    return mine


def _is_left(folder: Path) -> bool:
    with contextlib.suppress(FileNotFoundError), (folder / LOCK).open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
