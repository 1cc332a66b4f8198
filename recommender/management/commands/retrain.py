from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ml.checkpoint import CheckpointError
from ml.ratings import DataError
from recommender.models import NotServable
from recommender.retraining import CannotRetrain, NothingToDo, retrain


class Command(BaseCommand):
    help = "Fine-tune the active checkpoint on the site's events, register the result and make it active."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--force", action="store_true", help="train however few new events there are")

    def handle(self, *args: Any, force: bool, **options: Any) -> None:
        try:
            checkpoint = retrain(force=force)
        except NothingToDo as news:
            self.stdout.write(f"Not retrained: {news} Use --force to train all the same.")
        except (CannotRetrain, CheckpointError, DataError, NotServable) as error:
            raise CommandError(str(error)) from error
        else:
            self.stdout.write(self.style.SUCCESS(f"{checkpoint} is active. {checkpoint.verdict}"))
