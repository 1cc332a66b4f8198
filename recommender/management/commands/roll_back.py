from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.models import Checkpoint, NotServable


class Command(BaseCommand):
    help = "Leave the active checkpoint for the one served before it."

    def handle(self, *args: Any, **options: Any) -> None:
        active = Checkpoint.objects.active()
        if active is None:
            raise CommandError("No checkpoint is active, so there is nothing to roll back.")
        try:
            earlier = active.roll_back()
        except NotServable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{earlier} is active; {active} was left.")
