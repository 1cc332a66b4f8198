"""The results of a comparison as one picture: NDCG@20 against the number of known titles."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

METRIC = "ndcg@20"
WIDTH, HEIGHT = 860, 500
LEFT, RIGHT, TOP, BOTTOM = 64, 640, 84, 436  # the plot's edges; the labels stand to the right of it
LABEL_GAP = 19  # between the baselines of two labels
SPREAD = 5  # between the interval bars of two rankers
COLOURS = ("#0b6e99", "#c2571a", "#4b8b3b", "#7a4fa3", "#8a6d1f", "#a63d5b", "#3f7f7a", "#6b7280", "#1f4e9c")
HIGHLIGHT = "#d6006c"
STYLE = (
    "text{font:14px system-ui,'Helvetica Neue',Arial,sans-serif;fill:#333}"
    ".title{font-size:19px;font-weight:600;fill:#111}.note{fill:#666;font-size:13px}"
    ".grid{stroke:#e6e6e6}.axis{stroke:#999}.label{font-weight:600}"
)


def draw(report: Mapping[str, Any], highlight: str = "Nostrade") -> str:
    """Draw the results of `ml.compare.run` as an SVG document, each line labelled at its end.

    Bars are 95 % intervals. The `highlight` ranker, if there, is drawn thicker in a colour of its own.
    """
    lengths = list(report["known"])
    names = sorted(
        report["known"][lengths[-1]], key=lambda name: -report["known"][lengths[-1]][name][METRIC]["mean"]
    )
    top = _ceiling(report)
    body = [_frame(lengths, top, report["people"])]
    ends = [_y(report["known"][lengths[-1]][name][METRIC]["mean"], top) for name in names]
    for place, (name, label_y) in enumerate(zip(names, spaced(ends, LABEL_GAP), strict=True)):
        colour = HIGHLIGHT if name == highlight else COLOURS[place % len(COLOURS)]
        shift = SPREAD * (place - (len(names) - 1) / 2)
        rows = [report["known"][length][name][METRIC] for length in lengths]
        body.append(_line(rows, top, colour, 3.5 if name == highlight else 2, shift))
        body.append(_label(name, rows[-1]["mean"], ends[place], label_y, colour, shift))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="NDCG@20 of each ranker by the number of known titles">'
        f'<style>{STYLE}</style><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>{"".join(body)}</svg>\n'
    )


def spaced(places: Sequence[float], gap: float) -> list[float]:
    """Move places, in ascending order, apart until neighbours are at least `gap` away, as little as it goes.

    Neighbours that touch form a group around their mean wish (pool adjacent violators).
    """
    groups: list[list[float]] = []  # the wishes of each group, less what stands before them in it
    for place in places:
        groups.append([place])
        while len(groups) > 1 and _start(groups[-2]) + gap * len(groups[-2]) > _start(groups[-1]):
            last = groups.pop()
            groups[-1] += [wish - gap * len(groups[-1]) for wish in last]
    return [_start(group) + gap * i for group in groups for i in range(len(group))]


def _start(group: Sequence[float]) -> float:
    """Return where a group of labels begins."""
    return sum(group) / len(group)


def _ceiling(report: Mapping[str, Any]) -> float:
    """Return the top of the axis: the highest interval's end, rounded up to a tenth."""
    highest = max(row[METRIC]["high"] for scorers in report["known"].values() for row in scorers.values())
    return max(int(highest * 10 + 0.999999), 1) / 10


def _x(place: int, count: int) -> float:
    """Place the history lengths at even steps: their differences grow tenfold."""
    return LEFT + 40 + place * (RIGHT - LEFT - 80) / max(count - 1, 1)


def _y(value: float, top: float) -> float:
    return BOTTOM - value / top * (BOTTOM - TOP)


def _frame(lengths: Sequence[str], top: float, people: int) -> str:
    """Draw the title, the grid and both axes' words."""
    parts = [
        f'<text class="title" x="{LEFT - 36}" y="34">How well each ranker finds a person’s other titles'
        "</text>",
        f'<text class="note" x="{LEFT - 36}" y="57">NDCG@20 over the full catalogue; {people} people; '
        "bars are 95 % intervals</text>",
    ]
    for tenth in range(round(top * 10) + 1):
        y = _y(tenth / 10, top)
        style = "grid" if tenth else "axis"
        parts.append(f'<line class="{style}" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text class="note" x="{LEFT - 10}" y="{y + 4.5:.1f}" text-anchor="end">{tenth / 10:.1f}</text>'
        )
    for place, length in enumerate(lengths):
        x = _x(place, len(lengths))
        parts.append(f'<text x="{x:.1f}" y="{BOTTOM + 24}" text-anchor="middle">{escape(length)}</text>')
    middle = (LEFT + RIGHT) / 2
    parts.append(
        f'<text class="note" x="{middle}" y="{BOTTOM + 48}" text-anchor="middle">'
        "titles known of a person</text>"
    )
    return "".join(parts)


def _line(
    rows: Sequence[Mapping[str, float]], top: float, colour: str, thickness: float, shift: float
) -> str:
    """Draw a ranker's line, with a bar and a dot a length, moved by `shift` so that bars stand apart."""
    points = [(_x(place, len(rows)) + shift, _y(row["mean"], top)) for place, row in enumerate(rows)]
    parts = [f'<g stroke="{colour}" fill="{colour}">']
    for (x, y), (next_x, next_y) in pairwise(points):
        parts.append(
            f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{next_x:.1f}" y2="{next_y:.1f}" '
            f'stroke-width="{thickness}"/>'
        )
    for (x, y), row in zip(points, rows, strict=True):
        low, high = _y(row["low"], top), _y(row["high"], top)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" '
            'stroke-width="1.5" opacity=".6"/>'
        )
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{thickness + 1}" stroke="#fff"/>')
    return "".join([*parts, "</g>"])


def _label(name: str, value: float, end: float, y: float, colour: str, shift: float) -> str:
    """Name a line at its end, with a thin leader where the label had to move."""
    x = RIGHT - 40 + shift
    return (
        f'<path d="M{x + 7:.1f} {end:.1f}L{RIGHT + 4} {y:.1f}H{RIGHT + 10}" fill="none" '
        f'stroke="{colour}" opacity=".5"/>'
        f'<text class="label" x="{RIGHT + 16}" y="{y + 5:.1f}" style="fill:{colour}">{escape(name)}'
        f'<tspan style="font-weight:400" dx="7">{value:.3f}</tspan></text>'
    )
