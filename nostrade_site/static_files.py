"""Which static files are collected: of Swagger UI's those that the API's pages load."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.staticfiles.finders import FileSystemFinder

# The sheet's map stays: the sheet names it, and the manifest wants every file that is named.
UNUSED = (
    "swagger-ui-bundle.js.map",
    "swagger-ui-standalone-preset.*",
    "oauth2-redirect.*",
    "favicon-32x32.png",
)


class UsedFilesFinder(FileSystemFinder):
    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        return super().list([*(ignore_patterns or ()), *UNUSED])
