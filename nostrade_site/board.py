"""What the supervisor says of its programs, where the web server reads it: in memory, never on a disk.

A full disk is when it matters most. The file has no name; the programs that may read it inherit it.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence

VARIABLE = "NOSTRADE_BOARD"  # which descriptor it is
SIZE = 4096  # written as one


class Board:
    """A page that one process writes and others read."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def fresh(cls) -> Board:
        """Make one; where files in memory are unknown (macOS), its page is on the disk from the start."""
        if hasattr(os, "memfd_create"):
            board = cls(os.memfd_create("nostrade-board"))
        else:
            with tempfile.TemporaryFile(buffering=0) as file:
                board = cls(os.dup(file.fileno()))
        board.write([])
        return board

    @property
    def environ(self) -> dict[str, str]:
        """Return what a program needs to know to read it."""
        return {VARIABLE: str(self.descriptor)}

    def write(self, troubles: Sequence[str]) -> None:
        """Replace what stands there by what is wrong now."""
        page = json.dumps(list(troubles), ensure_ascii=True).encode()
        if len(page) > SIZE:
            page = json.dumps([f"{len(troubles)} programs keep ending: the log says more"]).encode()
        os.pwrite(self.descriptor, page.ljust(SIZE), 0)

    def close(self) -> None:
        os.close(self.descriptor)


def troubles() -> list[str]:
    """Return what the supervisor says is wrong; nothing where no supervisor started this process."""
    try:
        page = os.pread(int(os.environ.get(VARIABLE, "")), SIZE, 0)
        return [str(line) for line in json.loads(page)]
    except (ValueError, OSError):  # none, or not this process's
        return []
