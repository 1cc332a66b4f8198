"""`manage.py backup FILE.tar`: the running site in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from nostrade_site.archives import ArchiveError
from nostrade_site.backups import BackupError, back_up
from nostrade_site.dumps import DumpError


class Command(BaseCommand):
    help = "Write the database and the checkpoints that serve or served to one file. The site may run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="The file to write; it must not exist.")
        parser.add_argument(
            "--with-secret-key", action="store_true", help="The secret key too: sessions live on elsewhere."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["file"].resolve()
        try:
            manifest = back_up(path, with_secret_key=options["with_secret_key"])
        except (BackupError, ArchiveError, DumpError, OSError) as error:
            raise CommandError(str(error)) from error
        megabytes = manifest.needs / 2**20
        self.stdout.write(
            f"{path}: {len(manifest.files)} files, {megabytes:,.1f} MB. It has all personal data."
        )
