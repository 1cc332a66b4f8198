"""`manage.py prepare`: everything an installation needs before its processes start; safe to run again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from nostrade_site import damage
from nostrade_site.accounts.identity import keep_names
from nostrade_site.groups import make_groups
from nostrade_site.outages import Trouble, trouble_of


class Command(BaseCommand):
    help = "Migrate the database, load the starter data and collect the static files that changed."
    requires_system_checks = ()  # `make test` runs them; a start should not wait for them

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-static", action="store_true", help="Leave the static files alone.")

    def handle(self, *args: Any, **options: Any) -> None:
        if found := damage.damage():
            raise CommandError(found, returncode=damage.STATUS)
        try:
            self._fill_database()
        except DatabaseError as error:
            if trouble_of(error) is not Trouble.DAMAGED:
                raise
            raise CommandError(damage.advice(str(error)), returncode=damage.STATUS) from error
        if not options["no_static"]:
            self._collect_static()

    def _fill_database(self) -> None:
        call_command("migrate", verbosity=1 if _migrations_due() else 0)
        make_groups()
        keep_names()
        self._load_starter()

    def _load_starter(self) -> None:
        """Load the starter; a site without it still serves what it has, so that is no reason not to start."""
        try:
            call_command("load_starter")
        except CommandError as error:
            self.stderr.write(f"The starter could not be loaded, and the site starts without it: {error}")

    def _collect_static(self) -> None:
        """Collect only what changed: hashing and compressing every file takes seconds."""
        stamp = Path(settings.STATIC_ROOT) / ".collected"
        now = _static_fingerprint()
        if settings.DEBUG or (stamp.exists() and stamp.read_text() == now):
            return
        call_command("collectstatic", interactive=False, verbosity=1)
        stamp.write_text(now)


def _migrations_due() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _static_fingerprint() -> str:
    """Return a digest that changes when any static file does."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list(["CVS", ".*", "*~"]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
