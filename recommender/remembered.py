"""What a ranker said lately: asked again about a history that stands as it stood, it would say the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from hashlib import blake2b
from typing import Any, TypeVar

from numpy.typing import NDArray

MOST = 512  # answers, some ten kilobytes each: of the people who are here, what they go back and forth to

Answer = TypeVar("Answer")


def fingerprint(numbers: NDArray[Any]) -> bytes:
    """Return what stands in a question for an array: 16 bytes instead of one for each title and more."""
    return blake2b(numbers.tobytes(), digest_size=16).digest()


class Remembered:
    """Answers by their questions; those not asked for the longest are forgotten. Safe from any thread."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Hashable, Any] = OrderedDict()
        self._changing = threading.Lock()  # never held while an answer is worked out

    def __len__(self) -> int:
        return len(self._answers)

    def answer(self, question: Hashable, work_out: Callable[[], Answer]) -> Answer:
        """Return what was answered before, or work it out. Nobody may change an answer."""
        with self._changing:
            if question in self._answers:
                self._answers.move_to_end(question)
                known: Answer = self._answers[question]
                return known
        answer = work_out()
        with self._changing:
            self._answers[question] = answer
            while len(self._answers) > MOST:
                self._answers.popitem(last=False)
        return answer
