"""Reading a list in a process of its own, which may take only so much time and memory.

Whatever a file does to the parsers, it ends there: the worker that waits for the answer goes on. The child is
the command `read_list`, which asks no database.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from tempfile import TemporaryFile
from typing import Any

from django.conf import settings

from feedback.lists.rows import ListFileError

COMMAND = (sys.executable, "manage.py", "read_list")
PATIENCE = 10  # times the processor time that is granted: other programs run as well
PULSE = 5  # seconds between two looks whether the answer is still wanted
TOO_MUCH = (
    "Reading this file takes more time or memory than a list ever does, so it was not read."
    " Export your list again, or split it in two."
)


class ReadingStoppedError(Exception):
    """The child was ended from outside; that says nothing about the file."""


def read_apart(data: bytes, still_wanted: Callable[[], bool]) -> dict[str, Any]:
    """Return the `source`, the `scale` and the `rows` of a list, as the database keeps them.

    Asks every PULSE seconds whether it is `still_wanted`. Raises ListFileError where the file cannot be read
    or takes too much, ReadingStoppedError where the reading ended for another reason and may be tried again.
    """
    bounds = (str(settings.LIST_READ_SECONDS), str(settings.LIST_READ_MB))
    try:
        with TemporaryFile() as file:
            file.write(data)
            file.seek(0)
            child = subprocess.Popen(
                [*COMMAND, *bounds], stdin=file, stdout=subprocess.PIPE, cwd=settings.BASE_DIR
            )
    except OSError as error:
        raise ReadingStoppedError(str(error)) from error
    with child:
        try:
            output = _output(child, still_wanted)
        finally:
            child.kill()  # where it has not ended by itself
    if child.returncode == -signal.SIGXCPU:
        raise ListFileError(TOO_MUCH)
    if child.returncode:
        raise ReadingStoppedError(f"it ended with {child.returncode}")
    answer: dict[str, Any] = json.loads(output)
    if "sentence" in answer:
        raise ListFileError(answer["sentence"], answer["status"])
    return answer


def _output(child: subprocess.Popen[bytes], still_wanted: Callable[[], bool]) -> bytes:
    """Wait for what the child has to say."""
    deadline = time.monotonic() + PATIENCE * settings.LIST_READ_SECONDS
    while time.monotonic() < deadline:
        with suppress(subprocess.TimeoutExpired):
            return child.communicate(timeout=PULSE)[0]
        if not still_wanted():
            raise ReadingStoppedError("it is not wanted any more")
    raise ListFileError(TOO_MUCH)
