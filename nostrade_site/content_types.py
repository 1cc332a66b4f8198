"""What `Content-Type` may say of a body. The site's forms, and JSON, are UTF-8, whatever else is claimed.

Django decodes a form, and DRF a body, by any codec of Python's that the header names. Some of these
(`punycode`, `idna`) take time with the square of the length: minutes for a megabyte. And a parameter in an
encoding that is none (`x*=none''%41`) ends in an error outside of all middleware.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
# At most 70 characters (RFC 2046): a form without an end is searched for a longer one again and again.
BOUNDARY = re.compile(r';\s*(boundary=(?:"[^"]{1,70}"|[^\s;"]{1,70}(?![^\s;"])))', re.IGNORECASE)


def with_plain_types(application: Application) -> Application:
    """Serve a WSGI application that sees the type and the boundary of a body, and nothing else of it."""

    def served(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if ";" in (said := environ.get("CONTENT_TYPE", "")):
            environ["CONTENT_TYPE"] = plain(said)
        return application(environ, start_response)

    return served


def plain(said: str) -> str:
    """Return a header without its parameters, but for the boundary of a form's parts."""
    kind = said.partition(";")[0].strip()
    boundary = BOUNDARY.search(said)
    return f"{kind}; {boundary[1]}" if boundary else kind
