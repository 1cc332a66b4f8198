"""Requests made up from the API's own OpenAPI document, thousands of them, with every check on each answer.

The document says what a request looks like, and cannot say which titles and genres exist: `narrowed` adds
that, so that a request which follows it must be accepted, and one which does not must be refused.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Document = dict[str, Any]
CONFIG = Path(__file__).with_name("schemathesis.toml")
READS_GENRES = {"genre", "in", "out"}
NAMES_TITLES = {"like", "near"}


def narrowed(document: Document, titles: Sequence[int], genres: Sequence[str]) -> Document:
    """Return the document of a site that shows these titles and genres, and no others."""
    document = copy.deepcopy(document)
    for method, operation in _operations(document):
        for parameter in operation.get("parameters", []):
            name, schema = parameter["name"], parameter["schema"]
            if name in READS_GENRES:
                schema.get("items", schema)["enum"] = [*genres]
            elif name in NAMES_TITLES or (name == "anime_id" and method != "delete"):  # any may be let go
                schema.get("items", schema)["enum"] = [*titles]
    for name in ("EventRequest", "SaidRequest"):
        document["components"]["schemas"][name]["properties"]["anime_id"]["enum"] = [*titles]
    return document


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path in document["paths"].values():
        yield from path.items()


def fuzz(address: str, token: str, document: Document, folder: Path, *options: str) -> Document:
    """Send requests to a running site and return the report of what was sent and found."""
    described, report = folder / "openapi.json", folder / "report.json"
    described.write_text(json.dumps(document))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
        *("run", str(described), "--url", address),
        *("--header", f"Authorization: Bearer {token}", "--checks", "all", "--continue-on-failure"),
        *("--report", "json", "--report-json-path", str(report), *options),
    ]
    outcome = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    found: Document = json.loads(report.read_text()) if report.exists() else {}
    return found | {"exit": outcome.returncode, "text": outcome.stdout + outcome.stderr}
