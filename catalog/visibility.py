"""What the reader of a page may see."""

from typing import Any


def shows_adult(request: Any) -> bool:
    """Say whether the reader asked for adult titles: a middleware of a higher app sets the attribute."""
    return bool(getattr(request, "show_adult", False))
