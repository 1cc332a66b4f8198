"""A backup's tar file: which names it may have, written with checksums, read with suspicion.

An archive says in `manifest.json`, its first member, what else is in it. Reading takes nothing on trust: only
plain files under known names, each announced, each of the announced size and checksum. No name from an
archive ever becomes a path before that.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

FORMAT = 1
MANIFEST = "manifest.json"
MANIFEST_BYTES = 4 * 2**20
SQLITE, POSTGRES, SECRET_KEY = "database.sqlite3", "database.pgdump", "secret_key"
CHECKPOINT = r"checkpoints/(?P<version>[A-Za-z0-9_-]{1,80})/(?P<file>[A-Za-z0-9_][A-Za-z0-9_.-]{0,100})"
KNOWN = re.compile(rf"{re.escape(SQLITE)}|{re.escape(POSTGRES)}|{SECRET_KEY}|{CHECKPOINT}")
CHUNK = 2**20


class ArchiveError(Exception):
    """A file is no backup of ours, or not whole; the message says so in a sentence."""


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself."""

    made: str
    vendor: str  # of the database
    migrations: list[str]
    files: Mapping[str, dict[str, Any]] = field(default_factory=dict)  # name -> {"bytes", "sha256"}

    @property
    def needs(self) -> int:
        """Return how many bytes its files take."""
        return sum(int(file["bytes"]) for file in self.files.values())


def write(path: Path, sources: Mapping[str, Path], **about: Any) -> Manifest:
    """Write a new archive of these files; whole, or not at all, and for its owner's eyes alone."""
    files = {name: {"bytes": file.stat().st_size, "sha256": _digest(file)} for name, file in sources.items()}
    manifest = Manifest(files=files, **about)
    draft = path.with_name(f"{path.name}.part")
    try:
        draft.touch(mode=0o600, exist_ok=False)
        with tarfile.open(draft, "w") as archive:
            text = json.dumps({"nostrade": FORMAT} | vars(manifest)).encode()
            archive.addfile(_member(MANIFEST, len(text)), io.BytesIO(text))
            for name, file in sources.items():
                with file.open("rb") as content:
                    archive.addfile(_member(name, file.stat().st_size), content)
        draft.rename(path)
    except FileExistsError as error:
        raise ArchiveError(f"{draft} is in the way: another backup is running, or one was killed.") from error
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return manifest


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(time.time())
    return member


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def opened(path: Path) -> Iterator[tuple[Manifest, tarfile.TarFile]]:
    """Yield a backup's manifest and the tar file behind it. Raises ArchiveError where it is none."""
    try:
        with tarfile.open(path, "r:") as archive:
            yield _manifest(archive), archive
    except FileNotFoundError as error:
        raise ArchiveError(f"There is no file {path}.") from error
    except (tarfile.TarError, EOFError) as error:
        raise ArchiveError(f"{path.name} is no backup, or it was cut off ({error}).") from error


def _manifest(archive: tarfile.TarFile) -> Manifest:
    first = archive.next()
    if first is None or first.name != MANIFEST or not first.isreg() or first.size > MANIFEST_BYTES:
        raise ArchiveError(f"It does not begin with {MANIFEST}, so it is no backup of this site.")
    content = archive.extractfile(first)
    try:
        told = json.loads(content.read() if content else b"")
        if told.pop("nostrade") != FORMAT:
            raise ArchiveError("It is of another format: restore it with the version that made it.")
        manifest = Manifest(**told)
        well = all(
            KNOWN.fullmatch(name) and int(file["bytes"]) >= 0 and len(file["sha256"]) == 64
            for name, file in manifest.files.items()
        ) and all(isinstance(name, str) for name in manifest.migrations)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ArchiveError(f"Its {MANIFEST} cannot be read.") from error
    if not well:
        raise ArchiveError(f"Its {MANIFEST} names files that no backup has.")
    return manifest


def unpack(archive: tarfile.TarFile, manifest: Manifest, folder: Path) -> None:
    """Copy the announced files below `folder`. Raises ArchiveError at anything else."""
    left = dict(manifest.files)
    while (member := archive.next()) is not None:
        if not member.isreg():
            raise ArchiveError(f"It has {member.name!r}, which is no plain file; nothing was restored.")
        announced = left.pop(member.name, None)
        if announced is None or member.size != announced["bytes"]:
            raise ArchiveError(f"It has {member.name!r} other than announced; nothing was restored.")
        target = folder / member.name  # announced, so KNOWN
        target.parent.mkdir(parents=True, exist_ok=True)
        content = archive.extractfile(member)
        if content is None or _copy(content, target) != announced["sha256"]:
            raise ArchiveError(f"{member.name} is damaged; nothing was restored.")
    if left:
        raise ArchiveError(f"It lacks {', '.join(sorted(left)[:3])}; nothing was restored.")


def _copy(source: IO[bytes], target: Path) -> str:
    """Copy a file and return its digest."""
    digest = hashlib.sha256()
    with target.open("xb") as file:
        target.chmod(0o600)
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()
