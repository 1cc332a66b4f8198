from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from feedback.exporting import ExportError, Extent, export_events


class Command(BaseCommand):
    help = "Write all standing reactions to a CSV file that `python -m ml.prepare --ratings` reads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("out", type=Path, help="the CSV file to write")
        parser.add_argument(
            "--since", help="only reactions from this ISO 8601 date or time on; UTC if not said"
        )

    def handle(self, *, out: Path, since: str | None, **_: Any) -> None:
        try:
            count = export_events(out, Extent(since=_moment(since) if since else None))
        except ExportError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{out}: {count} reactions.")


def _moment(text: str) -> datetime:
    """Read a date or time; one without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"--since {text!r} is not a time: write it like 2026-01-31 or 2026-01-31T18:00:00+02:00."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
