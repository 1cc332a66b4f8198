"""`manage.py collectstatic`, whose files a proxy of another user may read where STATIC_ROOT lets it."""

from __future__ import annotations

import os
from typing import Any

from django.contrib.staticfiles.management.commands import collectstatic


class Command(collectstatic.Command):
    def handle(self, **options: Any) -> str | None:
        """Write for everybody's eyes: compressed copies too, which ask for no permissions of their own."""
        private = os.umask(0o022)
        try:
            return super().handle(**options)
        finally:
            os.umask(private)
