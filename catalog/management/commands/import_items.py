from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.importing import ImportReport, import_items
from catalog.reading import FileProblem

SHOWN_REJECTIONS = 20


class Command(BaseCommand):
    help = (
        "Bring a catalogue (Kaggle's anime.csv or our starter file; .csv, .csv.xz, .csv.gz) and facts on its "
        "titles into the database. All or nothing; running it again changes nothing. An empty field never "
        "wipes what is known."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("items", nargs="?", type=Path, metavar="FILE", help="the titles")
        parser.add_argument("--metadata", type=Path, help="CSV with anime_id, year")
        parser.add_argument("--franchises", type=Path, help='JSON list of {"name": ..., "anime_ids": [...]}')
        parser.add_argument("--posters", type=Path, help="CSV with anime_id, poster_url (http or https)")
        parser.add_argument("--synopses", type=Path, help="CSV with anime_id, synopsis")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would change, and change nothing"
        )

    def handle(self, **options: Any) -> None:
        kinds = ("items", "metadata", "franchises", "posters", "synopses")
        files = {kind: options[kind] for kind in kinds if options[kind]}
        if not files:
            raise CommandError("Name a FILE, or a side file such as --posters; see --help.")
        try:
            report = import_items(files, dry_run=options["dry_run"])
        except FileProblem as problem:
            raise CommandError(str(problem)) from problem
        self._tell(report, every=options["verbosity"] > 1, dry_run=options["dry_run"])

    def _tell(self, report: ImportReport, *, every: bool, dry_run: bool) -> None:
        shown = report.rejected if every else report.rejected[:SHOWN_REJECTIONS]
        for rejection in shown:
            self.stderr.write(f"rejected: {rejection}")
        if len(shown) < len(report.rejected):
            self.stderr.write(f"... and {len(report.rejected) - len(shown)} more; -v 2 lists every one.")
        if report.merged:
            self.stdout.write(f"{report.merged} lines are about titles merged into others, and left out.")
        counts = (
            f"{report.created} created, {report.updated} updated, {report.unchanged} unchanged, "
            f"{len(report.rejected)} rejected."
        )
        self.stdout.write(f"Dry run, nothing written: {counts}" if dry_run else counts)
