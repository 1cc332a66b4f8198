"""What a gate finds: checks, each with its sentence, and the verdict they add up to."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

EVIDENCE = "evidence"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, and what was found, as a sentence for people."""

    name: str
    passed: bool
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """May the candidate go live? The sentence says it to people; the figures are what was measured.

    A candidate that cannot be judged for want of people has not passed.
    """

    passed: bool
    sentence: str
    checks: tuple[Check, ...]
    figures: dict[str, Any]

    @classmethod
    def of(cls, checks: Sequence[Check], praise: str, figures: Mapping[str, Any]) -> Self:
        """Pass with the words `praise` when every check did; else the first that failed is the reason."""
        failed = next((check for check in checks if not check.passed), None)
        if failed is None:
            sentence = praise
        elif failed.name == EVIDENCE:
            sentence = f"Kept the champion: {continuing(failed.sentence)}"
        else:
            sentence = f"Rejected: {continuing(failed.sentence)}"
        return cls(failed is None, sentence, tuple(checks), dict(figures))

    def followed_by(self, checks: Sequence[Check]) -> Self:
        """Take more checks into account."""
        return self.of((*self.checks, *checks), self.sentence, self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Return everything for JSON."""
        return {
            "passed": self.passed,
            "sentence": self.sentence,
            "checks": [asdict(check) for check in self.checks],
            "figures": self.figures,
        }


def continuing(sentence: str) -> str:
    """Let a sentence go on after a colon: "On 9 people …" loses its capital, "NDCG@20 …" does not."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
