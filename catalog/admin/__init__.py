"""Curation: titles, genres and franchises."""

from catalog.admin.franchises import FranchiseAdmin, GenreAdmin
from catalog.admin.items import ItemAdmin

__all__ = ["FranchiseAdmin", "GenreAdmin", "ItemAdmin"]
