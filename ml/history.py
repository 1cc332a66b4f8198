"""One person's history: the only thing the model knows about anybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from ml.feedback import Feedback


@dataclass(frozen=True)
class History:
    """The events of one person, oldest first.

    `item_ids` are outside ids, `feedback` values of `Feedback`, `timestamps` Unix seconds or None where the
    time is unknown. A history whose timestamps are all None is an unordered set: its order carries no
    meaning. Raises ValueError when the lengths differ or a feedback is not one of `Feedback`'s four
    reactions.
    """

    item_ids: tuple[int, ...] = ()
    feedback: tuple[int, ...] = ()
    timestamps: tuple[float | None, ...] = ()

    def __post_init__(self) -> None:
        """Refuse events that do not line up."""
        if not len(self.item_ids) == len(self.feedback) == len(self.timestamps):
            lengths = (len(self.item_ids), len(self.feedback), len(self.timestamps))
            raise ValueError(f"item_ids, feedback and timestamps must be equally long, not {lengths}.")
        strangers = set(self.feedback) - (set(Feedback) - {Feedback.PADDING})
        if strangers:
            raise ValueError(f"Unknown feedback {sorted(strangers)}; use the values of ml.feedback.Feedback.")

    @classmethod
    def of(cls, item_ids: Sequence[int], feedback: int = Feedback.LIKE) -> Self:
        """Make an unordered set of titles that all got the same feedback."""
        return cls(tuple(item_ids), (int(feedback),) * len(item_ids), (None,) * len(item_ids))

    def __len__(self) -> int:
        """Count the events."""
        return len(self.item_ids)

    @property
    def is_ordered(self) -> bool:
        """Tell whether at least one event has a known time."""
        return any(timestamp is not None for timestamp in self.timestamps)

    def take(self, indices: Sequence[int]) -> "History":
        """Keep the events at `indices`, in the order of `indices`."""
        return History(
            tuple(self.item_ids[i] for i in indices),
            tuple(self.feedback[i] for i in indices),
            tuple(self.timestamps[i] for i in indices),
        )

    def without(self, index: int) -> "History":
        """Drop one event. Raises IndexError when there is none at `index`."""
        if not 0 <= index < len(self):
            raise IndexError(f"A history of {len(self)} events has no event {index}.")
        return self.take([i for i in range(len(self)) if i != index])

    def added(self, item_id: int, feedback: int, timestamp: float | None = None) -> "History":
        """Append one event as the newest."""
        return History((*self.item_ids, item_id), (*self.feedback, feedback), (*self.timestamps, timestamp))
