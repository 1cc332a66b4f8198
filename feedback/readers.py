"""Who a page was made for: a name without meaning, by which page and site see that it is another now."""

from __future__ import annotations

from django.utils.crypto import salted_hmac

from feedback.guests import is_guest
from feedback.models import Person

HEADER = "X-Reader"
GUEST, MEMBER = "guest-", "member-"


def reader_of(user: Person) -> str:
    """Name a reader: the kind, and what stays the same when a guest signs up; empty for a visitor."""
    if not user.is_authenticated:
        return ""
    kind = GUEST if is_guest(user) else MEMBER
    return kind + salted_hmac("feedback.readers", str(user.pk)).hexdigest()[:16]


def is_another(said: str, user: Person) -> bool:
    """Say whether a page for the reader `said` acts for another person now.

    A visitor's first reaction makes the guest: the page was theirs.
    """
    now = reader_of(user)
    if not said:
        return now.startswith(MEMBER)
    return said.rpartition("-")[2] != now.rpartition("-")[2]
