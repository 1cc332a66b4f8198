"""The simulated month as one picture: love-rate against days, a line a site, bars for 95 % intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from ml.chart import spaced
from ml.metrics import Interval

WIDTH, HEIGHT = 860, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 690, 72, 360
COLOURS = {"learning": "#d6006c", "starter": "#0b6e99", "popular": "#8a6d1f"}
SHIFT = 7  # between the bars of two sites
LABEL_GAP = 19
STYLE = (
    "text{font:14px system-ui,'Helvetica Neue',Arial,sans-serif;fill:#333}"
    ".title{font-size:19px;font-weight:600;fill:#111}.grid{stroke:#e6e6e6}.label{font-weight:600}"
)


def draw(rates: Mapping[str, Sequence[Interval]], weeks: Sequence[str]) -> str:
    """Draw each site's love-rate, one interval for each of `weeks`, as an SVG document."""
    lows = [each.low for row in rates.values() for each in row]
    highs = [each.high for row in rates.values() for each in row]
    bottom, top = int(min(lows) * 50) / 50, (int(max(highs) * 50) + 1) / 50

    def y(rate: float) -> float:
        return BOTTOM - (rate - bottom) / (top - bottom) * (BOTTOM - TOP)

    columns = [LEFT + (place + 0.5) * (RIGHT - LEFT) / len(weeks) for place in range(len(weeks))]
    body = [_grid(bottom, top, y(top) - y(bottom)), *map(_week, weeks, columns)]
    order = sorted(rates, key=lambda arm: -rates[arm][-1].mean)
    labels = spaced([y(rates[arm][-1].mean) for arm in order], LABEL_GAP)
    for place, (arm, label) in enumerate(zip(order, labels, strict=True)):
        xs = [x + SHIFT * (place - (len(order) - 1) / 2) for x in columns]
        body.append(_line(xs, [(y(e.low), y(e.mean), y(e.high)) for e in rates[arm]], COLOURS[arm]))
        at = f'x="{RIGHT + 8}" y="{label + 5:.1f}"'
        body.append(f'<text class="label" {at} style="fill:{COLOURS[arm]}">{arm}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="Love-rate of three simulated sites over a month">'
        f'<style>{STYLE}</style><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        f'<text class="title" x="{LEFT}" y="36">Loves for each card looked at, over a month</text>'
        f"{''.join(body)}</svg>\n"
    )


def _grid(bottom: float, top: float, height: float) -> str:
    """Draw a line for each two hundredths."""
    lines = []
    for number in range(round((top - bottom) / 0.02) + 1):
        rate = bottom + 0.02 * number
        at = BOTTOM + height * (rate - bottom) / (top - bottom)
        lines.append(
            f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
            f'<text x="{LEFT - 10}" y="{at + 5:.1f}" text-anchor="end">{rate:.2f}</text>'
        )
    return "".join(lines)


def _week(days: str, x: float) -> str:
    return f'<text x="{x:.1f}" y="{BOTTOM + 26}" text-anchor="middle">days {days}</text>'


def _line(xs: Sequence[float], rows: Sequence[tuple[float, float, float]], colour: str) -> str:
    """Draw one site's line through its bars."""
    points = list(zip(xs, rows, strict=True))
    bars = [
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
        f'<circle cx="{x:.1f}" cy="{mean:.1f}" r="4" fill="{colour}"/>'
        for x, (low, mean, high) in points
    ]
    path = [
        f'<line x1="{x:.1f}" y1="{here[1]:.1f}" x2="{to:.1f}" y2="{there[1]:.1f}" stroke-width="2.5"/>'
        for (x, here), (to, there) in pairwise(points)
    ]
    return f'<g stroke="{colour}" stroke-width="1.5">{"".join((*bars, *path))}</g>'
