from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ml.checkpoint import CheckpointError
from ml.ratings import DataError
from recommender.models import NotServable
from recommender.models.checkpoints import NIGHTLY
from recommender.retraining import retrain
from recommender.runs import CannotRetrain, RunLost
from recommender.storage import StorageError
from recommender.training import CHOICES, NothingToDo


class Command(BaseCommand):
    help = "Train a candidate on the site's events, and promote it where it is no worse than what serves."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--force", action="store_true", help="train however few new events there are")
        parser.add_argument(
            "--preset",
            choices=CHOICES,
            default=NIGHTLY,
            help="nightly fine-tunes the active checkpoint; the others train anew, on everybody",
        )

    def handle(self, *args: Any, force: bool, preset: str, **options: Any) -> None:
        try:
            checkpoint = retrain(force=force, preset=preset)
        except NothingToDo as news:
            self.stdout.write(f"Not retrained: {news} Use --force to train all the same.")
        except (CannotRetrain, RunLost, CheckpointError, DataError, NotServable, StorageError) as error:
            raise CommandError(str(error)) from error
        else:
            self.stdout.write(f"{checkpoint} is {checkpoint.state}. {checkpoint.verdict}")
