from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from recommender.faithfulness import measure_missing


class Command(BaseCommand):
    help = "Measure how faithful the reasons of each checkpoint are that was not measured yet."

    def handle(self, *args: Any, **options: Any) -> None:
        said = [self.stdout.write(line) for line in measure_missing()]
        if not said:
            self.stdout.write("Every checkpoint that could serve was measured before.")
