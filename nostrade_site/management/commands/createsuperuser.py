"""`manage.py createsuperuser`: Django's own, which also keeps the name to one person in every spelling."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management.commands import createsuperuser

from nostrade_site.accounts.identity import is_taken, keep_names


class Command(createsuperuser.Command):
    def _validate_username(self, username: str, verbose_field_name: str, database: str) -> str | None:
        """Refuse another spelling of a name that is there, where Django refuses the very same."""
        refused: str | None = super()._validate_username(username, verbose_field_name, database)  # type: ignore[misc]
        if not refused and is_taken(username):
            return "Error: That name is taken, in another spelling."
        return refused

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        keep_names()
