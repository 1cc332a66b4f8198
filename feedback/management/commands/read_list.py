"""`manage.py read_list`: the child of `feedback.lists.apart`, which may take only so much time and memory."""

from __future__ import annotations

import json
import resource
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from feedback.lists.apart import TOO_MUCH
from feedback.lists.reading import read_list
from feedback.lists.rows import ListFileError


class Command(BaseCommand):
    help = (
        "Read a list from the standard input, and write its rows as JSON, or the sentence that says why not."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("seconds", type=int, help="of processor time")
        parser.add_argument("megabytes", type=int, help="of memory")

    def handle(self, *args: Any, seconds: int, megabytes: int, **options: Any) -> None:
        _bound(resource.RLIMIT_CPU, seconds)
        _bound(resource.RLIMIT_DATA, megabytes << 20)
        _bound(resource.RLIMIT_CORE, 0)
        self.stdout.write(_answer(sys.stdin.buffer.read()))


def _bound(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _answer(data: bytes) -> str:
    try:
        file = read_list(data)
        rows = [row.as_json() for row in file.rows]
        return json.dumps({"source": file.source, "scale": file.scale.value, "rows": rows})
    except ListFileError as error:
        return json.dumps({"sentence": error.sentence, "status": error.status})
    except MemoryError:
        return json.dumps({"sentence": TOO_MUCH, "status": 413})
