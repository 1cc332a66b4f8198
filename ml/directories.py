"""Write a directory so that it is either complete or not there."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Yield `<name>.tmp-…/` beside `path` to write into, then fsync it and rename it to `path`.

    Raises FileExistsError when `path` exists already, and OSError with a sentence where the disk is full or
    must not be written. On any error nothing is left behind.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists already; choose another name or remove it first.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.tmp-{secrets.token_hex(4)}")
        draft.mkdir()  # by the umask, which says who may read it
    except OSError as error:
        raise _explained(error, path) from error
    try:
        yield draft
        for file in draft.iterdir():
            sync(file)
        sync(draft)
        draft.rename(path)  # POSIX refuses a non-empty target, so a racing writer cannot be overwritten
        sync(path.parent)
    except BaseException as error:
        shutil.rmtree(draft, ignore_errors=True)
        if isinstance(error, OSError):
            raise _explained(error, path) from error
        raise


def _explained(error: OSError, path: Path) -> OSError:
    """Return the error with what to do where we know it, of the same kind and number."""
    where = error.filename
    if where is not None and not Path(str(where)).is_relative_to(path.parent):
        return error  # of a file that was only read
    if error.errno in FULL:
        advice = f"there is no room for it in {path.parent}: free some, or choose another folder"
    elif error.errno in FORBIDDEN:
        advice = f"{path.parent} must not be written: make it writable, or choose another folder"
    else:
        return error
    return OSError(error.errno, f"{path.name} was not written and nothing of it is left, {advice}")


def sync(path: Path) -> None:
    """Flush a file or directory to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
