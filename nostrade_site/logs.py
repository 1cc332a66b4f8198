"""Log lines, for people or as JSON (`LOG_FORMAT`): each with its request's id, none with a secret."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

from nostrade_site import request_ids

HIDDEN = "***"
# Last of all, on the finished line: arguments and tracebacks are as talkative as messages. Lines carry what
# anybody sends, addresses of 8 KB above all: no pattern may read on to their end from more than one place.
SECRETS = (
    # user:password@ in an address; what follows another :// belongs to that one
    (re.compile(r"(?<=://)[^\s/@:'\"]*+:(?:[^\s/@'\"]|/(?!/))++(?=@)"), HIDDEN),
    (re.compile(r"(?i)(\bbearer\s+|\btoken\s+)[A-Za-z0-9._~+/=-]{8,}"), rf"\1{HIDDEN}"),
    (
        re.compile(
            r"(?i)((?:password|passwd|secret|secret_key|api_key|sessionid|csrftoken|csrfmiddlewaretoken"
            r"|authorization|metrics_token)['\"]?\s*[=:]\s*)(?!bearer\s|token\s)(['\"]?)[^\s'\",;&]+"
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(/accounts/(?:password/reset/key|confirm-email)/)[^\s/?]+"), rf"\1{HIDDEN}"),
)


def without_secrets(line: str) -> str:
    """Blank what looks like a password, a token, a session or a link that logs in."""
    for pattern, replacement in SECRETS:
        line = pattern.sub(replacement, line)
    return line


class RequestIdFilter(logging.Filter):
    """Note in each record the id of the request that it is about; for handlers, so that no line escapes."""

    def filter(self, record: logging.LogRecord) -> bool:
        # Django logs refusals when the middleware is left already, and names the request.
        about = getattr(getattr(record, "request", None), "request_id", None)
        record.request_id = about or request_ids.current.get()
        return True


class PlainFormatter(logging.Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


class JsonFormatter(logging.Formatter):
    """A line for programs: one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
            "request_id": getattr(record, "request_id", request_ids.NONE),
            "process": record.process,
        }
        if isinstance(status := getattr(record, "status_code", None), int):
            line["status"] = status
        if record.exc_info:
            line["exception"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)
