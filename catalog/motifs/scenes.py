"""Places: what a poster shows as if through a window."""

from __future__ import annotations

from math import pi
from random import Random

from catalog.motifs.shapes import (
    Palette,
    around,
    circle,
    faint,
    hills,
    line,
    path,
    polygon,
    rect,
    ring,
    sky,
)


def space(rng: Random, p: Palette) -> str:
    x, y, r = rng.uniform(130, 270), rng.uniform(170, 240), rng.uniform(85, 130)
    tilt = rng.choice((-1, 1)) * rng.uniform(12, 32)
    orbit = f'<g transform="rotate({tilt:.0f} {x:.0f} {y:.0f})">'
    band = f'<ellipse cx="{x:.0f}" cy="{y:.0f}" rx="{r * 1.75:.0f}" ry="{r * 0.42:.0f}" fill="none"'
    front = f"M{x - r * 1.75:.0f} {y:.0f}a{r * 1.75:.0f} {r * 0.42:.0f} 0 0 0 {r * 3.5:.0f} 0"
    return (
        sky(rng, p.ink, 46)
        + orbit
        + f'{band} stroke="{p.second}" stroke-width="9"/>'
        + circle(x, y, r, p.main)
        + path(
            f"M{x:.0f} {y - r:.0f}a{r:.0f} {r:.0f} 0 0 1 0 {2 * r:.0f}"
            f"a{r * 1.4:.0f} {r * 1.4:.0f} 0 0 0 0 {-2 * r:.0f}",
            p.third,
        )
        + line(front, p.second, 9)
        + "</g>"
        + circle(x + rng.choice((-1, 1)) * 130, rng.uniform(50, 90), rng.uniform(12, 24), p.ink)
    )


def cars(rng: Random, p: Palette) -> str:
    x, y = rng.uniform(130, 270), rng.uniform(190, 230)
    dashes = [(0.02, 0.1), (0.18, 0.34), (0.5, 0.85)]
    stripes = "".join(
        polygon(
            [
                (x + (200 - x) * a - 2 - 16 * a, y + (400 - y) * a),
                (x + (200 - x) * a + 2 + 16 * a, y + (400 - y) * a),
                (x + (200 - x) * b + 2 + 16 * b, y + (400 - y) * b),
                (x + (200 - x) * b - 2 - 16 * b, y + (400 - y) * b),
            ],
            p.ink,
        )
        for a, b in dashes
    )
    return (
        circle(x, y, rng.uniform(95, 130), p.second)
        + hills(rng, y + 6, 46, p.third, peaks=rng.randint(3, 5))
        + rect(0, y, 400, 400, p.main)
        + polygon([(x - 4, y), (x + 4, y), (440, 410), (-40, 410)], p.ground)
        + stripes
        + rect(0, 400, 400, 200, p.ground)
    )


def wires(rng: Random, p: Palette) -> str:
    """Slice of life: an evening sun behind telephone wires."""
    x, pole = rng.uniform(110, 290), rng.choice((70, 320))
    cables = "".join(
        f"M-10 {100 + 26 * i + rng.uniform(-14, 14):.0f}"
        f"Q{rng.uniform(100, 300):.0f} {190 + 22 * i:.0f} {pole} {88 + 26 * i}"
        f"Q{(pole + 420) / 2:.0f} {150 + 26 * i} 420 {70 + 26 * i}"
        for i in range(3)
    )
    return (
        circle(x, rng.uniform(190, 260), rng.uniform(85, 125), p.main)
        + hills(rng, 350, 40, p.second)
        + line(cables, p.ink, 2.5)
        + path(f"M{pole - 5} 600V50h10V600ZM{pole - 44} 84h88v8h-88ZM{pole - 34} 114h68v7h-68Z", p.ink)
        + hills(rng, 392, 22, p.third)
    )


def cup(rng: Random, p: Palette) -> str:
    """Slice of life: a warm cup."""
    x = 200 + rng.uniform(-16, 16)
    steam = "".join(f"M{x + dx:.0f} 150q-22-28 0-54t0-50" for dx in (-44, 0, 44)[: rng.randint(2, 3)])
    return (
        circle(x, 215, 160, p.second)
        + line(steam, p.ink, 7, ' stroke-linecap="round"')
        + ring(x + 98, 235, 36, 15, p.main)
        + path(f"M{x - 104:.0f} 178h208v60a104 96 0 0 1-208 0Z", p.main)
        + path(f"M{x - 104:.0f} 178h208v22h-208Z", p.third)
        + rect(x - 130, 342, 260, 14, p.ink, ' rx="7"')
    )


def sakura(rng: Random, p: Palette) -> str:
    """School: cherry blossom at the window."""
    petal = "M0 0C-34-26-30-76-9-88L0-76L9-88C30-76 34-26 0 0Z"
    flowers = ""
    spots = [(rng.uniform(120, 280), rng.uniform(150, 230), rng.uniform(1.3, 1.7))]
    spots += [
        (rng.uniform(20, 120), rng.uniform(40, 340), rng.uniform(0.4, 0.8)),
        (rng.uniform(290, 380), rng.uniform(40, 340), rng.uniform(0.4, 0.8)),
    ]
    for i, (x, y, s) in enumerate(spots):
        turn, fill = rng.uniform(0, 72), (p.main, p.second, p.second)[i]
        flowers += (
            f'<g transform="translate({x:.0f} {y:.0f}) scale({s:.2f})">'
            + "".join(path(petal, fill, f' transform="rotate({turn + 72 * k:.0f})"') for k in range(5))
            + circle(0, 0, 13, p.third)
            + "</g>"
        )
    return flowers


def castle(rng: Random, p: Palette) -> str:
    """Fantasy: towers on a mountain before the moon."""
    x = rng.uniform(120, 280)
    towers = ""
    n = rng.randint(2, 5)
    for i in range(n):
        dx, w, top = (i - (n - 1) / 2) * rng.uniform(34, 48) - 14, rng.uniform(18, 38), rng.uniform(130, 250)
        towers += (
            f"M{x + dx:.0f} 400V{top:.0f}l{w / 2:.0f}-{rng.uniform(30, 55):.0f}"
            f"l{w / 2:.0f} {rng.uniform(30, 55):.0f}V400Z"
        )
    return (
        sky(rng, p.ink, 22, 200)
        + circle(x + rng.uniform(-50, 50), rng.uniform(150, 190), rng.uniform(90, 120), p.main)
        + hills(rng, 320, 110, p.second, peaks=rng.randint(2, 4))
        + path(towers, p.third)
        + hills(rng, 372, 50, p.third)
    )


def peaks(rng: Random, p: Palette) -> str:
    """Adventure: ranges, a sun, birds."""
    birds = "".join(
        f"M{rng.uniform(60, 320):.0f} {rng.uniform(60, 150):.0f}q9-10 16 0q8-10 16 0" for _ in range(4)
    )
    return (
        circle(rng.uniform(110, 290), rng.uniform(130, 190), rng.uniform(60, 95), p.main)
        + hills(rng, 300, 150, p.second, peaks=rng.randint(2, 3))
        + hills(rng, 350, 100, p.third, peaks=rng.randint(2, 4))
        + line(birds, p.ink, 3.5, ' stroke-linecap="round"')
    )


def sunrise(rng: Random, p: Palette) -> str:
    """Shounen: rays from the horizon."""
    x, y, n = rng.uniform(120, 280), rng.uniform(300, 350), rng.choice((18, 22, 26))
    rays = "".join(
        f"M{x:.0f} {y:.0f}L{a:.0f} {b:.0f}L{c:.0f} {d:.0f}Z"
        for (a, b), (c, d) in list(zip(around(x, y, 520, n), around(x, y, 520, n, pi / n), strict=True))
    )
    return (
        path(rays, p.second)
        + circle(x, y, rng.uniform(85, 120), p.main)
        + rect(0, y, 400, 600, p.ground)
        + hills(rng, y + 12, 24, p.ground)
    )


def waves(rng: Random, p: Palette) -> str:
    """Historical: seigaiha waves under a red sun."""
    out = circle(rng.uniform(120, 280), rng.uniform(130, 165), rng.uniform(80, 105), p.main)
    r = rng.choice((50, 40))
    for row in range(4):
        y = 262 + row * r * 0.8
        for i in range(-1, 400 // (2 * r) + 2):
            x = i * 2 * r + (r if row % 2 else 0)
            out += f'<use href="#w" x="{x}" y="{y:.0f}"/>'
    scale = (
        circle(0, 0, r, p.second)
        + ring(0, 0, r - 3, 3, p.ink)
        + ring(0, 0, r * 0.62, 3, p.ink)
        + circle(0, 0, r * 0.28, p.ink)
    )
    return f'<defs><g id="w">{scale}</g></defs>{out}' + rect(0, 262 + 3 * r * 0.8, 400, 400, p.ground)


def grid(rng: Random, p: Palette) -> str:
    """Science fiction: a sun over a wire plain."""
    y, x = rng.uniform(225, 260), rng.uniform(150, 250)
    rows = "".join(f"M0 {y + 150 * (i / 6) ** 1.8:.0f}H400" for i in range(7))
    lines = "".join(f"M{x + i * 16:.0f} {y:.0f}L{x + i * 95:.0f} 400" for i in range(-8, 9))
    cuts = "".join(rect(0, y - 12 - 24 * i, 400, 7 - 1.5 * i, p.ground) for i in range(4))
    return (
        sky(rng, p.ink, 24, 160)
        + circle(x, y - 22, rng.uniform(105, 135), p.main)
        + cuts
        + rect(0, y, 400, 400, p.ground)
        + line(rows + lines, p.second, 2.5)
    )


def beams(rng: Random, p: Palette) -> str:
    """Police, thriller: a city under searchlights."""
    x = rng.uniform(90, 310)
    lights = polygon([(x, 380), (x - 190, -20), (x - 70, -20)], p.main, faint(0.85)) + polygon(
        [(400 - x, 380), (440 - x, -20), (580 - x, -20)], p.second, faint(0.6)
    )
    return lights + skyline(rng, p)


def skyline(rng: Random, p: Palette) -> str:
    blocks, windows, x = "", "", 0.0
    while x < 400:
        w, top = rng.uniform(34, 70), rng.uniform(190, 340)
        blocks += f"M{x:.0f} 600V{top:.0f}h{w + 1:.0f}V600Z"
        for row in range(int((400 - top) / 24)):
            if rng.random() < 0.6:
                windows += (
                    f"M{x + 8 + 12 * rng.randrange(max(1, int((w - 12) / 12))):.0f}"
                    f" {top + 14 + row * 24:.0f}h7"
                )
        x += w
    return path(blocks, p.third) + line(windows, p.main, 9)


def torii(rng: Random, p: Palette) -> str:
    """Supernatural: a gate before the moon."""
    mx, my, r = rng.uniform(130, 270), rng.uniform(120, 170), rng.uniform(75, 115)
    s, x = rng.uniform(0.85, 1.1), rng.uniform(170, 230)
    gate = (
        "M-150-150Q0-122 150-150L144-122Q0-98-144-122ZM-118-84h236v17h-236"
        "ZM-92-122h22l-10 290h-26ZM70-122h22l14 290h-26ZM-9-104h18v26h-18Z"
    )
    return (
        sky(rng, p.ink, 18, 240)
        + circle(mx, my, r, p.second)
        + path(gate, p.main, f' transform="translate({x:.0f} 222) scale({s:.2f})"')
        + hills(rng, 392, 26, p.third)
    )


def horizon(rng: Random, p: Palette) -> str:
    """Drama: a low sun and its trace on the water."""
    x, y, r = rng.uniform(120, 280), rng.uniform(225, 265), rng.uniform(85, 125)
    trace = "".join(
        rect(x - w, y + 14 + i * 19, 2 * w, 8, p.main, ' rx="4"')
        for i, w in enumerate(r * rng.uniform(0.35, 1) * (1 - 0.09 * i) for i in range(7))
    )
    return (
        rect(0, 0, 400, y, p.second)
        + circle(x, y, r, p.main)
        + rect(0, y, 400, 400, p.ground)
        + trace
        + line(f"M{x + 120:.0f} 90q12-13 22 0q11-13 22 0M{x + 80:.0f} 124q9-10 16 0q8-10 16 0", p.ink, 3.5)
    )


def keyhole(rng: Random, p: Palette) -> str:
    """Mystery: light through a keyhole."""
    x, w = rng.uniform(150, 250), rng.uniform(90, 150)
    return (
        polygon([(x - 22, 190), (x + 22, 190), (x + w, 388), (x - w, 388)], p.second, faint(0.55))
        + circle(x, 150, 92, p.main)
        + polygon([(x - 40, 150), (x + 40, 150), (x + 74, 330), (x - 74, 330)], p.main)
        + circle(x, 150, 56, p.ink)
        + polygon([(x - 22, 180), (x + 22, 180), (x + 40, 300), (x - 40, 300)], p.ink)
        + circle(x + rng.uniform(-12, 12), 150, 20, p.third)
    )


def curtain(rng: Random, p: Palette) -> str:
    """Adult titles: nothing but folds."""
    out = ""
    for i in range(8):
        x, bend = i * 50, rng.uniform(-30, 30)
        out += path(
            f"M{x} 0q{bend:.0f} 200 0 400h50q{bend:.0f}-200 0-400Z",
            (p.main, p.second, p.third)[i % 3],
            faint(0.9),
        )
    return out + rect(0, 400, 400, 200, p.ground)
