"""The geometry of a radar chart, drawn on the server: no script has to run to see it."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

from recommender.online import Rate

CENTRE = (180.0, 150.0)  # of a drawing of 360 x 300
RADIUS = 104.0
LABEL_GAP = 14.0
RINGS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Axis:
    """One spoke: its end, its value with the interval, and where its label stands."""

    label: str
    rate: Rate
    end: tuple[float, float]
    value: tuple[float, float]
    low: tuple[float, float]
    high: tuple[float, float]
    text: tuple[float, float]
    anchor: str  # of the label: start, middle or end


@dataclass(frozen=True)
class Radar:
    """Rates around a circle, the first at the top, then clockwise; `average` is a ring of its own."""

    rates: tuple[tuple[str, Rate], ...]
    average: float
    centre = CENTRE

    @property
    def axes(self) -> list[Axis]:
        return [self._axis(place, *named) for place, named in enumerate(self.rates)]

    @property
    def shape(self) -> str:
        """Return the points of the polygon of values."""
        return _points([axis.value for axis in self.axes])

    @property
    def rings(self) -> list[str]:
        """Return the grid's polygons, the innermost first."""
        return [_points([self._at(place, ring) for place in range(len(self.rates))]) for ring in RINGS]

    @property
    def average_radius(self) -> str:
        return f"{RADIUS * self.average:.1f}"

    def _axis(self, place: int, label: str, rate: Rate) -> Axis:
        text = self._at(place, 1 + LABEL_GAP / RADIUS)
        aside = text[0] - CENTRE[0]
        anchor = "middle" if abs(aside) < RADIUS / 4 else "start" if aside > 0 else "end"
        value, low, high = (self._at(place, at) for at in (rate.value, rate.low, rate.high))
        return Axis(label, rate, self._at(place, 1), value, low, high, text, anchor)

    def _at(self, place: int, share: float) -> tuple[float, float]:
        angle = 2 * pi * place / len(self.rates)
        x, y = CENTRE[0] + RADIUS * share * sin(angle), CENTRE[1] - RADIUS * share * cos(angle)
        return round(x, 1), round(y, 1)


def _points(corners: list[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in corners)
