from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.models import Checkpoint, NotServable


class Command(BaseCommand):
    help = "Make a checkpoint active; every web process serves it within seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("version")

    def handle(self, *args: Any, version: str, **options: Any) -> None:
        checkpoint = Checkpoint.objects.filter(version=version).first()
        if checkpoint is None:
            known = ", ".join(Checkpoint.objects.values_list("version", flat=True)[:10]) or "none"
            raise CommandError(f"There is no checkpoint {version}; the newest are {known}.")
        try:
            checkpoint.promote()
        except NotServable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{checkpoint} is active.")
