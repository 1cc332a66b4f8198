"""What OPTIONS is answered. It stands apart because DRF imports it before its own views."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework.metadata import BaseMetadata
from rest_framework.request import Request


class Methods(BaseMetadata):
    """Say what an address takes, and where all of it is described."""

    def determine_metadata(self, request: Request, view: Any) -> dict[str, Any]:
        return {"methods": view.allowed_methods, "described_at": reverse("api:schema")}
