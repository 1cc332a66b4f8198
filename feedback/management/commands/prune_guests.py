from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from feedback.guests import prune_guests


class Command(BaseCommand):
    help = "Delete guests who have been idle for GUEST_IDLE_DAYS days, with everything they said."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=settings.GUEST_IDLE_DAYS, help="default: %(default)s")

    def handle(self, *, days: int, **_: Any) -> None:
        if days < 1:
            raise CommandError("--days must be 1 or more: 0 would delete the guests who are here now.")
        self.stdout.write(f"{prune_guests(days)} idle guests deleted.")
