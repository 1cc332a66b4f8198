from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.reading import FileProblem
from recommender.models import NotServable
from recommender.starter import load_starter


class Command(BaseCommand):
    help = "Import the starter catalogue and checkpoint where they are missing; safe to run at every start."
    # The checks import every view; at every start that is most of the time this takes.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = [self.stdout.write(line) for line in load_starter()]
        except (FileProblem, NotServable) as error:
            raise CommandError(str(error)) from error
        if not done:
            self.stdout.write("The starter is in place.")
