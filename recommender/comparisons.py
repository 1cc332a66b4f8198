"""How a candidate compared with its champion, laid out for the admin from what the gate kept on its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml.wording import interval_text

Interval = Mapping[str, float]


@dataclass(frozen=True)
class PanelRow:
    """One ranker's figures on one panel."""

    ranker: str
    any: str
    loved: str


@dataclass(frozen=True)
class PanelTable:
    """Everybody's figures on one panel, and the candidate's lead over the champion."""

    name: str
    people: int
    counted: bool
    rows: tuple[PanelRow, ...]
    lead: str


@dataclass(frozen=True)
class ListChange:
    """How the first page of one known taste would change."""

    profile: str
    overlap: int  # per cent
    came: tuple[str, ...]
    went: tuple[str, ...]
    now: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """What the admin shows; empty for a checkpoint that was never judged."""

    champion: str
    checks: Sequence[Mapping[str, Any]]
    panels: tuple[PanelTable, ...]
    lists: tuple[ListChange, ...]

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Comparison:
        """Read what `recommender.gate.decide` wrote."""
        panels = kept.get("figures", {}).get("panels", {})
        return cls(
            kept.get("champion", ""),
            kept.get("checks", ()),
            tuple(panel_table(name, figures) for name, figures in panels.items()),
            list_changes(kept.get("taste") or {}),
        )


def panel_table(name: str, figures: Mapping[str, Any]) -> PanelTable:
    """Lay out one panel."""
    loved = figures.get("loved ndcg@20", {})
    rows = tuple(
        PanelRow(ranker, shown(interval), shown(loved.get(ranker)))
        for ranker, interval in figures.get("ndcg@20", {}).items()
    )
    lead = shown(figures.get("difference", {}).get("ndcg@20"), "+")
    return PanelTable(name, figures["people"], figures["counted"], rows, lead)


def list_changes(taste: Mapping[str, Any]) -> tuple[ListChange, ...]:
    """Name the titles of each page."""
    names = taste.get("names", {})

    def named(anime_ids: Sequence[int]) -> tuple[str, ...]:
        return tuple(names.get(str(pk), f"title {pk}") for pk in anime_ids)

    return tuple(
        ListChange(
            page["profile"],
            round(100 * page["overlap"]),
            named(page["came"]),
            named(page["went"]),
            named(page["now"]),
        )
        for page in taste.get("pages", ())
    )


def shown(interval: Interval | None, sign: str = "") -> str:
    """Write a mean with its 95 % interval."""
    return "–" if interval is None else interval_text(interval, sign)
