"""What people said about a duplicate is said about the title that stays."""

from __future__ import annotations

from catalog.merging import Followers
from catalog.models import Item
from feedback.lists.rows import Row
from feedback.models import Dismissal, Event, ListImport, Saved

# The log is append-only: what was said, by whom, when and in which order stays as it is. What follows is only
# which row of the catalogue it is about. Retractions go along with what they retract, and of two reactions
# the newest stands, as it does of any two about one title.
FOLLOWERS = (
    Followers(Event, "item", "reactions and what was taken back"),
    Followers(Saved, "item", "saved", key=("user",), order="created_at"),
    Followers(Dismissal, "item", "dismissed", key=("user", "kind"), order="created_at"),
)


def n_lines_about(item: Item) -> int:
    """Count the lines of people's lists that mean the title; `feedback.lists.matching` follows them."""
    kept = ListImport.objects.exclude(rows=[]).values_list("rows", flat=True).iterator(1)
    return sum(Row.of_json(row).item_id == item.pk for rows in kept for row in rows)
