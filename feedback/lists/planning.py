"""`Plan`: what importing a list would change, told before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from catalog.models import Item
from feedback.history import history_of
from feedback.lists.rows import Row
from feedback.models import FeedbackType, ListImport, Saved


@dataclass(frozen=True)
class Line:
    """One row of a list beside what stands now."""

    row: Row
    now: FeedbackType | None = None
    is_saved: bool = False  # already
    item: Item | None = None  # where a page names the title, and may

    @property
    def theirs(self) -> str:
        """Name what the list says."""
        said = self.row.says
        kept = ["Saved"] if self.row.keeps else []
        return " · ".join([said.past, *kept] if said else kept) or "No opinion"


@dataclass
class Plan:
    """The lines by what would happen to them; a title can be reacted to and saved."""

    new: list[Line] = field(default_factory=list)
    conflicts: list[Line] = field(default_factory=list)
    same: list[Line] = field(default_factory=list)
    silent: list[Line] = field(default_factory=list)  # watched, and no opinion of it
    unmatched: list[Line] = field(default_factory=list)
    reactions: Counter[FeedbackType] = field(default_factory=Counter)  # among the new
    saves: int = 0

    @classmethod
    def of(cls, list_import: ListImport, rows: Iterable[Row]) -> Plan:
        """Compare the list with what its person says now: two queries."""
        history = {said.anime_id: said.feedback_type for said in history_of(list_import.user).reactions}
        saved = set(Saved.objects.of(list_import.user).values_list("item_id", flat=True))
        plan = cls()
        plan._sort(rows, history, saved)
        return plan

    def _sort(self, rows: Iterable[Row], history: dict[int, FeedbackType], saved: set[int]) -> None:
        for row in rows:
            line = Line(row, history.get(row.item_id or 0), row.item_id in saved)
            self._group(line).append(line)
            if row.item_id and row.keeps and not line.is_saved:
                self.saves += 1
            if row.item_id and row.says and line.now is None:
                self.reactions[row.says] += 1

    def _group(self, line: Line) -> list[Line]:
        row = line.row
        if row.item_id is None:
            return self.unmatched
        if row.says is None and not row.keeps:
            return self.silent
        if row.says is not None and line.now is not None and row.says != line.now:
            return self.conflicts
        has_news = (row.says is not None and line.now is None) or (row.keeps and not line.is_saved)
        return self.new if has_news else self.same
