"""`manage.py restore FILE.tar`: a backup into an empty site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from nostrade_site import damage, preflight
from nostrade_site.archives import ArchiveError
from nostrade_site.backups import BackupError, restore
from nostrade_site.dumps import DumpError
from nostrade_site.supervisor import SiteError


class Command(BaseCommand):
    help = "Bring a backup into an empty, stopped site. Restore what you made yourself: a dump can run SQL."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="What `manage.py backup` wrote.")

    def handle(self, *args: Any, **options: Any) -> None:
        if found := damage.damage():
            raise CommandError(found, returncode=damage.STATUS)
        try:
            with preflight.lock(settings.DATA_DIR):
                manifest = restore(options["file"])
        except (BackupError, ArchiveError, DumpError, SiteError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Restored the site of {manifest.made}. Start it, and run `manage.py doctor`.")
