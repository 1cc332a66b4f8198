"""Write a directory so that it is either complete or not there."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Yield `<name>.tmp-…/` beside `path` to write into, then fsync it and rename it to `path`.

    Raises FileExistsError when `path` exists already. On any error nothing is left behind.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists already; choose another name or remove it first.")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f"{path.name}.tmp-", dir=path.parent))
    try:
        yield draft
        draft.chmod(0o755)
        for file in draft.iterdir():
            sync(file)
        sync(draft)
        draft.rename(path)  # POSIX refuses a non-empty target, so a racing writer cannot be overwritten
        sync(path.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def sync(path: Path) -> None:
    """Flush a file or directory to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
