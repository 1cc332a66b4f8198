"""What `manage.py doctor` finds: a line for each thing looked at, with a remedy where it is not well."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One thing, how it is, and what to do about it."""

    name: str
    level: Level
    said: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items()}

    def __str__(self) -> str:
        line = f"{self.level:<4}  {self.name}: {self.said}"
        return f"{line}\n      -> {self.remedy}" if self.remedy else line


def ok(name: str, said: str) -> Finding:
    return Finding(name, Level.OK, said)


def warn(name: str, said: str, remedy: str) -> Finding:
    return Finding(name, Level.WARN, said, remedy)


def fail(name: str, said: str, remedy: str) -> Finding:
    return Finding(name, Level.FAIL, said, remedy)
