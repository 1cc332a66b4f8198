"""`Plan`: what importing a list would change, told before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from catalog.models import Item
from feedback.dismissals import dismissed_by
from feedback.history import history_of
from feedback.lists.rows import Row
from feedback.models import FeedbackType, ListImport, Saved


@dataclass(frozen=True)
class Line:
    """One row of a list beside what stands now."""

    row: Row
    now: FeedbackType | None = None
    is_saved: bool = False  # already
    is_seen: bool = False  # already
    item: Item | None = None  # where a page names the title, and may

    @property
    def theirs(self) -> str:
        """Name what the list says."""
        said = self.row.says
        kept = ["Saved"] if self.row.keeps else []
        return " · ".join([said.past, *kept] if said else kept) or "Seen it"

    @property
    def has_news(self) -> bool:
        """Say whether something would be noted of the title."""
        says = self.row.says is not None and self.now is None
        keeps = self.row.keeps and not self.is_saved
        return says or keeps or self.tells_seen

    @property
    def tells_seen(self) -> bool:
        return self.row.is_watched and self.now is None and not self.is_seen


@dataclass
class Plan:
    """The lines by what would happen to them; a title can be reacted to and saved."""

    new: list[Line] = field(default_factory=list)
    conflicts: list[Line] = field(default_factory=list)
    same: list[Line] = field(default_factory=list)
    unmatched: list[Line] = field(default_factory=list)
    reactions: Counter[FeedbackType] = field(default_factory=Counter)  # among the new
    saves: int = 0
    seen: int = 0  # without an opinion

    @classmethod
    def of(cls, list_import: ListImport, rows: Iterable[Row]) -> Plan:
        """Compare the list with what its person says now: three queries."""
        history = {said.anime_id: said.feedback_type for said in history_of(list_import.user).reactions}
        saved = set(Saved.objects.of(list_import.user).values_list("item_id", flat=True))
        seen = dismissed_by(list_import.user).seen
        plan = cls()
        for row in rows:
            pk = row.item_id or 0
            plan._add(Line(row, history.get(pk), pk in saved, pk in seen))
        return plan

    def _add(self, line: Line) -> None:
        row = line.row
        self._group(line).append(line)
        if row.item_id:
            self.saves += row.keeps and not line.is_saved
            self.seen += line.tells_seen
            if row.says and line.now is None:
                self.reactions[row.says] += 1

    def _group(self, line: Line) -> list[Line]:
        row = line.row
        if row.item_id is None:
            return self.unmatched
        if row.says is not None and line.now is not None and row.says != line.now:
            return self.conflicts
        return self.new if line.has_news else self.same
