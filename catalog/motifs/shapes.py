"""The vocabulary of the drawn posters: SVG shapes with presentation attributes alone, as the CSP wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, pi, sin
from random import Random
from typing import NamedTuple


class Palette(NamedTuple):
    """Five colours: the ground, three that stand out from it, and the ink of the title."""

    ground: str
    main: str
    second: str
    third: str
    ink: str


Motif = Callable[[Random, Palette], str]


def circle(x: float, y: float, r: float, fill: str, more: str = "") -> str:
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="{fill}"{more}/>'


def ring(x: float, y: float, r: float, width: float, stroke: str, more: str = "") -> str:
    return (
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="none" stroke="{stroke}" '
        f'stroke-width="{width:g}"{more}/>'
    )


def rect(x: float, y: float, w: float, h: float, fill: str, more: str = "") -> str:
    return f'<rect x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{h:.0f}" fill="{fill}"{more}/>'


def path(d: str, fill: str, more: str = "") -> str:
    return f'<path d="{d}" fill="{fill}"{more}/>'


def line(d: str, stroke: str, width: float, more: str = "") -> str:
    return f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{width:g}"{more}/>'


def polygon(points: Sequence[tuple[float, float]], fill: str, more: str = "") -> str:
    return path("M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in points) + "Z", fill, more)


def around(x: float, y: float, r: float, n: int, turn: float = 0) -> list[tuple[float, float]]:
    """Return `n` points on a circle, beginning at the top, turned by `turn` radians."""
    return [(x + r * sin(turn + 2 * pi * i / n), y - r * cos(turn + 2 * pi * i / n)) for i in range(n)]


def faint(opacity: float) -> str:
    return f' opacity="{opacity:g}"'


def sky(rng: Random, fill: str, n: int, low: float = 380) -> str:
    """Scatter stars: one path of tiny squares is far smaller than as many circles."""
    spots = "".join(
        f"M{rng.uniform(10, 390):.0f} {rng.uniform(10, low):.0f}h{2 + 2 * (i % 5 == 0)}" for i in range(n)
    )
    return line(spots, fill, 2.5, ' stroke-linecap="round"')


def hills(rng: Random, base: float, height: float, fill: str, peaks: int = 0) -> str:
    """Draw a range down to the bottom of the poster: soft, or with sharp `peaks`."""
    if peaks:
        points = [
            (400 * i / (2 * peaks), base - height * (i % 2) * rng.uniform(0.55, 1))
            for i in range(2 * peaks + 1)
        ]
        return polygon([(0, 600), *points, (400, 600)], fill)
    a, b, c = (base - height * rng.uniform(0, 1) for _ in range(3))
    return path(
        f"M0 600V{a:.0f}C100 {a - 50:.0f} 130 {b + 40:.0f} 210 {b:.0f}S330 {c - 40:.0f} 400 {c:.0f}V600Z",
        fill,
    )
