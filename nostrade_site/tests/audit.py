"""Looks up known holes in what requirements.txt pins: `make audit`.

pip-audit ends well where the advisories cannot be reached, having looked nothing up. Here that is told, and
it is an error too, unless `--offline-ok` says that this place may have no way to them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PINS = Path(__file__).resolve().parents[2] / "requirements.txt"
PATIENCE = 120  # seconds for all of them
COMMAND = (sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps", "--format", "json")


@dataclass(frozen=True)
class Audit:
    """What was found, and what could not be looked up."""

    holes: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    n_packages: int = 0

    @classmethod
    def of(cls, report: dict[str, Any]) -> Audit:
        """Read pip-audit's report."""
        packages = report["dependencies"]
        holes = [
            f"{package['name']} {package['version']}: {hole['id']},"
            f" mended in {', '.join(hole['fix_versions']) or 'no version yet'}"
            for package in packages
            for hole in package.get("vulns", ())
        ]
        unknown = [package["name"] for package in packages if "skip_reason" in package]
        return cls(holes, unknown, len(packages))

    def told(self) -> str:
        lines = [*self.holes]
        if self.unknown or not self.n_packages:
            some = ", ".join(self.unknown[:5]) + (" …" if len(self.unknown) > 5 else "")
            lines.append(f"NOT AUDITED: {len(self.unknown)} of {self.n_packages} packages ({some}).")
            lines.append("The advisories cannot be reached from here; run `make audit` where they can.")
        elif not self.holes:
            lines.append(f"No known holes in {self.n_packages} packages.")
        return "\n".join(lines)

    def status(self, *, offline_ok: bool) -> int:
        """Return 1 for a hole, 2 where something was not looked up and that is not expected."""
        if self.holes:
            return 1
        return 2 if (self.unknown or not self.n_packages) and not offline_ok else 0


def audit() -> Audit:
    """Ask pip-audit; what it cannot say counts as not looked up."""
    try:
        answer = subprocess.run(
            [*COMMAND, "--progress-spinner", "off", "--requirement", str(PINS)],
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
        return Audit.of(json.loads(answer.stdout))
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return Audit()


if __name__ == "__main__":
    found = audit()
    print(found.told())  # noqa: T201
    sys.exit(found.status(offline_ok="--offline-ok" in sys.argv))
