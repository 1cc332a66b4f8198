"""Checkpoints on storage that several hosts share: a mounted folder, or S3 and what speaks like it.

`CHECKPOINT_STORAGE` names it (`file:///mnt/models`, `s3://bucket/prefix`); without it `CHECKPOINT_DIR` is all
there is. A version is there once its manifest is, which is written last; a fetched one appears in
`CHECKPOINT_DIR` whole and tried, or not at all. fsspec speaks the protocols; it comes with PyTorch, and S3
needs s3fs beside it.
"""

from __future__ import annotations

import logging
import re
import secrets
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from django.conf import settings

from ml.directories import new_directory

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

logger = logging.getLogger(__name__)

MANIFEST = "checkpoint.json"
DRAFT = ".draft-"
# What a checkpoint's files are called: a name from the storage must not lead out of the folder.
PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class StorageError(Exception):
    """A checkpoint cannot be published or fetched; the message says why and what to do."""


def publish(path: Path) -> None:
    """Copy the checkpoint directory `path` to the storage, unless it is there; nothing without a storage.

    Safe to repeat after a failure: until its manifest is there, nobody fetches it. Raises StorageError.
    """
    if not settings.CHECKPOINT_STORAGE:
        return
    try:
        storage, folder = _open(path.name)
        manifest = f"{folder}/{MANIFEST}"
        if storage.exists(manifest):
            return
        for file in sorted(path.iterdir()):
            if file.name != MANIFEST:
                storage.put_file(str(file), f"{folder}/{file.name}")
        draft = f"{manifest}{DRAFT}{secrets.token_hex(4)}"
        storage.put_file(str(path / MANIFEST), draft)
        storage.mv(draft, manifest)  # a rename on a file system, a copy on S3: there as a whole either way
    except Exception as error:
        raise _refusal(path.name, "be published to", error) from error
    logger.info("Published checkpoint %s", path.name)


def is_published(path: Path) -> bool:
    """Tell whether other hosts can have the checkpoint `path`. Raises StorageError where nobody answers."""
    try:
        storage, folder = _open(path.name)
        return bool(storage.exists(f"{folder}/{MANIFEST}"))
    except Exception as error:
        raise _refusal(path.name, "be looked for in", error) from error


def fetch(path: Path) -> None:
    """Bring the checkpoint `path` from the storage unless it is here; nothing without a storage.

    Several processes may fetch the same one at once. Raises StorageError when it cannot be had whole, and
    `ml.checkpoint.CheckpointError` when it is damaged; nothing is left then.
    """
    if not settings.CHECKPOINT_STORAGE or path.exists():
        return
    from ml.checkpoint import Checkpoint, CheckpointError  # noqa: PLC0415  # torch takes seconds to import

    try:
        with new_directory(path) as draft:
            _download(draft, path.name)
            Checkpoint.load(draft)  # compares every checksum
    except CheckpointError as error:
        raise CheckpointError(str(error).replace(draft.name, path.name)) from error
    except Exception as error:
        if path.exists():  # another process was faster with the same files
            return
        raise _refusal(path.name, "be fetched from", error) from error
    logger.info("Fetched checkpoint %s", path.name)


def _download(draft: Path, version: str) -> None:
    """Copy the files of a published version into a folder."""
    storage, folder = _open(version)
    if not storage.exists(f"{folder}/{MANIFEST}"):
        raise FileNotFoundError(f"{version} was never published, or only in part")
    for entry in storage.ls(folder, detail=True):
        name = PurePosixPath(entry["name"]).name
        if entry["type"] == "file" and PLAIN.fullmatch(name) and DRAFT not in name:
            storage.get_file(entry["name"], str(draft / name))


def _open(version: str) -> tuple[AbstractFileSystem, str]:
    """Return the storage and the folder of a version in it."""
    from fsspec.core import url_to_fs  # noqa: PLC0415  # only installations with a storage pay for it

    url = settings.CHECKPOINT_STORAGE
    # A kept instance would remember old listings, credentials and addresses.
    options: dict[str, Any] = {"skip_instance_cache": True}
    if url.startswith("file:"):  # object stores know no folders to make
        options["auto_mkdir"] = True
    if url.startswith("s3:"):  # by default an address that does not answer is given minutes
        options["config_kwargs"] = {
            "connect_timeout": 5,
            "read_timeout": 30,
            "retries": {"max_attempts": 2},
        }
    storage, root = url_to_fs(url, **options)
    return storage, f"{root.rstrip('/')}/{version}"


def _refusal(version: str, what: str, error: Exception) -> StorageError:
    """Say what failed in a sentence that may be shown to everybody; the log has the rest."""
    logger.warning("Checkpoint %s cannot %s the storage", version, what, exc_info=error)
    if isinstance(error, ImportError):
        advice = "install what its protocol needs (s3fs for s3://)"
    elif isinstance(error, FileNotFoundError):
        advice = "publish it from the host that has it, or promote another version"
    else:
        advice = "see the log, and check the storage's address, credentials and free space"
    return StorageError(f"{version} cannot {what} CHECKPOINT_STORAGE ({type(error).__name__}): {advice}.")
