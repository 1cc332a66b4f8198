from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from recommender.mapping import draw_missing


class Command(BaseCommand):
    help = "Draw the map of the active checkpoint where it has none yet."

    def handle(self, *args: Any, **options: Any) -> None:
        said = [self.stdout.write(line) for line in draw_missing()]
        if not said:
            self.stdout.write("The active checkpoint has its map, or none is active.")
