"""`manage.py doctor`: whether this installation is well, and what to do where it is not."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from nostrade_site.doctor import examine
from nostrade_site.findings import Level


class Command(BaseCommand):
    help = "Check this installation and say what to fix. Ends with status 1 where something fails."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object, for programs.")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        for finding in examine():
            findings.append(finding)
            if not options["json"]:
                self.stdout.write(str(finding))
        failed = sum(finding.level is Level.FAIL for finding in findings)
        if options["json"]:
            report = {"ok": not failed, "findings": [finding.as_json() for finding in findings]}
            self.stdout.write(json.dumps(report))
        else:
            warned = sum(finding.level is Level.WARN for finding in findings)
            self.stdout.write(f"{len(findings)} looked at, {failed} to fix, {warned} to think about.")
        if failed:
            sys.exit(1)
