"""A site as one file: its database, the checkpoints that serve or served, on request its secret key."""

from __future__ import annotations

import logging
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from catalog.models import Item
from feedback.models import Event
from nostrade_site import archives, dumps
from nostrade_site.archives import KNOWN, SECRET_KEY, Manifest
from nostrade_site.models import LONGEST_PATH, Backup
from recommender.models import Checkpoint

logger = logging.getLogger(__name__)

INTERRUPTED = "Interrupted: the site was restored from a backup made while it ran."


class BackupError(Exception):
    """A backup cannot be made or restored; the message says why and what to do."""


def back_up(path: Path, *, with_secret_key: bool) -> Manifest:
    """Write a backup of the running site to a file that is not there yet."""
    if path.exists():
        raise BackupError(f"{path} exists already: choose another name, or remove it.")
    if not path.parent.is_dir():
        raise BackupError(f"There is no folder {path.parent}: make it, or choose another one.")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".nostrade-backup-") as name:
        dump = Path(name) / dumps.name_of_dump()
        dumps.dump(dump)
        sources = {dump.name: dump} | _checkpoints()
        if with_secret_key:
            key = Path(name) / SECRET_KEY
            key.write_text(settings.SECRET_KEY)
            sources[SECRET_KEY] = key
        manifest = archives.write(
            path,
            sources,
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            vendor=connection.vendor,
            migrations=sorted(
                f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()
            ),
        )
    _note(path)
    return manifest


def _note(path: Path) -> None:
    """Let the dashboard and `doctor` know of a backup; it is whole, whatever becomes of the note."""
    try:
        Backup.objects.create(path=str(path)[-LONGEST_PATH:], n_bytes=path.stat().st_size)
    except DatabaseError as error:  # before the first `migrate` of a new release
        logger.warning("The backup is whole, but the dashboard will not tell of it: %s", error)


def _checkpoints() -> dict[str, Path]:
    """Return the files of each version that is live or was, by their names in the archive."""
    served = [*Checkpoint.objects.filter(state=Checkpoint.State.ACTIVE), *Checkpoint.objects.served_before()]
    files = {
        f"checkpoints/{checkpoint.version}/{file.name}": file
        for checkpoint in served
        if checkpoint.path.is_dir()  # one that is elsewhere is fetched from CHECKPOINT_STORAGE again
        for file in sorted(checkpoint.path.iterdir())
    }
    return {name: file for name, file in files.items() if file.is_file() and KNOWN.fullmatch(name)}


def restore(path: Path) -> Manifest:
    """Bring a backup into an empty site. Nothing is changed before the whole of it was found well."""
    _refuse_unless_empty()
    with archives.opened(path) as (manifest, archive):
        _refuse_unless_fitting(manifest)
        with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix=".restore-") as name:
            folder = Path(name)
            archives.unpack(archive, manifest, folder)
            _place_checkpoints(folder / "checkpoints")
            dumps.load(folder / dumps.name_of_dump())
            if (folder / SECRET_KEY).exists():
                (folder / SECRET_KEY).replace(settings.DATA_DIR / "secret_key")
    call_command("migrate", verbosity=0, interactive=False)
    going = Checkpoint.objects.filter(state=Checkpoint.State.TRAINING)
    going.update(state=Checkpoint.State.FAILED, verdict=INTERRUPTED)
    return manifest


def _refuse_unless_empty() -> None:
    """Raise BackupError where anything could be overwritten."""
    tables = set(connection.introspection.table_names())
    for model in (get_user_model(), Item, Event, Checkpoint):
        if model._meta.db_table in tables and model._default_manager.exists():
            raise BackupError(
                f"This site is not empty: it has {model._meta.verbose_name_plural}. Restore into a fresh "
                "database and NOSTRADE_DATA_DIR, before the first `make run` or `prepare`."
            )


def _refuse_unless_fitting(manifest: Manifest) -> None:
    """Raise BackupError where a backup is of another database, of a newer site, or too large."""
    if manifest.vendor != connection.vendor:
        raise BackupError(f"It is of {manifest.vendor}, and DATABASE_URL names {connection.vendor}.")
    if dumps.name_of_dump() not in manifest.files:
        raise BackupError("It has no database.")
    known = {f"{app}.{name}" for app, name in MigrationExecutor(connection).loader.disk_migrations}
    ours = {config.label for config in apps.get_app_configs()}
    newer = [name for name in manifest.migrations if name.partition(".")[0] in ours and name not in known]
    if newer:
        raise BackupError(f"It is of a newer Nostrade ({newer[0]}): update this checkout first.")
    if shutil.disk_usage(settings.DATA_DIR).free < 2 * manifest.needs:
        raise BackupError(f"It needs {2 * manifest.needs // 2**20:,} MB free in {settings.DATA_DIR}.")


def _place_checkpoints(folder: Path) -> None:
    """Move each version to where it is looked for; one that is there already is the same, or in the way."""
    Path(settings.CHECKPOINT_DIR).mkdir(parents=True, exist_ok=True)
    versions = sorted(folder.iterdir()) if folder.is_dir() else []
    targets = {version: Path(settings.CHECKPOINT_DIR) / version.name for version in versions}
    if there := [target for target in targets.values() if target.exists()]:
        raise BackupError(f"{there[0]} is in the way: empty CHECKPOINT_DIR, or name another one.")
    for version, target in targets.items():
        shutil.move(version, target)
        target.chmod(0o755)
