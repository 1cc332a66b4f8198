"""Struggle and mystery: signs on a plain ground."""

from __future__ import annotations

from math import cos, pi, sin
from random import Random

from catalog.motifs.shapes import Palette, around, circle, faint, line, path, polygon, rect, ring, sky


def mecha(rng: Random, p: Palette) -> str:
    brow, jaw, horn = rng.uniform(120, 150), rng.uniform(62, 92), rng.uniform(100, 170)
    half = [
        (
            [(200, 90), (200 + brow * 0.75, 130), (200 + brow * 0.8, 235), (200 + jaw, 330), (200, 345)],
            p.main,
        ),
        ([(200, 190), (200 + brow * 0.66, 160), (200 + brow * 0.6, 205), (200, 236)], p.ground),
        ([(212, 208), (200 + brow * 0.52, 178), (200 + brow * 0.48, 196), (212, 222)], p.second),
        ([(200, 262), (200 + jaw * 0.7, 252), (200 + jaw * 0.55, 322), (200, 330)], p.third),
        ([(206, 148), (200 + horn, 24), (228, 150)], p.ink),
        (
            [
                (200 + brow * 0.8, 150),
                (200 + brow * 1.15, 172),
                (200 + brow * 1.1, 262),
                (200 + brow * 0.78, 240),
            ],
            p.third,
        ),
    ]
    shapes = "".join(polygon(points, fill) for points, fill in half)
    mirrored = "".join(polygon([(400 - x, y) for x, y in points], fill) for points, fill in half)
    return (
        ring(200, 205, 172, 2, p.second, faint(0.5))
        + shapes
        + mirrored
        + polygon([(200, 112), (220, 140), (200, 168), (180, 140)], p.second)
    )


def horror(rng: Random, p: Palette) -> str:
    y, h = rng.uniform(185, 205), rng.uniform(85, 112)
    lid = f"M20 {y:.0f}Q200 {y - 2 * h:.0f} 380 {y:.0f}Q200 {y + 2 * h:.0f} 20 {y:.0f}Z"
    look = rng.uniform(-35, 35)
    x, r = 200 + look, h * 0.72
    lashes = "".join(
        f"M{a:.0f} {b:.0f}L{c:.0f} {d:.0f}"
        for (a, b), (c, d) in zip(
            around(200, y, h + 28, 24), around(200, y, h + rng.uniform(44, 68), 24), strict=True
        )
    )
    return (
        line(lashes, p.third, 3)
        + path(lid, p.ink)
        + circle(x, y, r, p.main)
        + ring(x, y, r * 0.7, 4, p.second)
        + f'<ellipse cx="{x:.0f}" cy="{y:.0f}" rx="{r * rng.uniform(0.16, 0.3):.0f}"'
        f' ry="{r * 0.86:.0f}" fill="{p.ground}"/>' + circle(x - r * 0.35, y - r * 0.4, r * 0.13, p.ink)
    )


def vampire(rng: Random, p: Palette) -> str:
    x, y = rng.uniform(150, 250), rng.uniform(165, 205)
    bats = ""
    for _ in range(rng.randint(3, 5)):
        bx, by, s = rng.uniform(60, 340), rng.uniform(60, 320), rng.uniform(0.5, 1.5)
        bats += path(
            "M0 0q-6-12-8-4q-22-16-44 0q14 0 18 12q12-6 18 4q8-6 16"
            " 8q8-14 16-8q6-10 18-4q4-12 18-12q-22-16-44 0q-2-8-8 4Z",
            p.second if s < 0.8 else p.third,
            f' transform="translate({bx:.0f} {by:.0f}) scale({s:.2f})"',
        )
    return circle(x, y, 135, p.main) + circle(x + 16, y - 12, 112, p.ink, faint(0.14)) + bats


def magic(rng: Random, p: Palette) -> str:
    n = rng.choice((5, 6, 7, 8, 9))
    skip, turn = (2 if n < 7 else 3), rng.uniform(0, 1)
    dots = around(200, 205, 150, n, turn)
    star = "M" + "L".join(f"{dots[i * skip % n][0]:.0f} {dots[i * skip % n][1]:.0f}" for i in range(n)) + "Z"
    if n in (6, 9):  # two or three triangles: one stroke cannot draw them
        k = n // 3
        star = "".join("M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in dots[j::k]) + "Z" for j in range(k))
    return (
        sky(rng, p.second, 24)
        + ring(200, 205, 170, 3, p.main)
        + ring(200, 205, 150, 7, p.main)
        + line(star, p.second, 4, ' stroke-linejoin="round"')
        + circle(200, 205, 46, p.main)
        + circle(200 + rng.choice((-16, 16)), 197, 38, p.ground)
        + "".join(circle(x, y, 11, p.third) for x, y in dots)
    )


def slash(rng: Random, p: Palette) -> str:
    """Action: speed lines broken by a cut."""
    x, y = rng.uniform(130, 270), rng.uniform(150, 250)
    n = rng.randint(15, 21)
    rays = ""
    for i in range(n):
        a, w, r = 2 * pi * i / n + rng.uniform(-0.08, 0.08), rng.uniform(0.03, 0.1), rng.uniform(60, 120)
        rays += (
            f"M{x + r * sin(a):.0f} {y - r * cos(a):.0f}L{x + 480 * sin(a - w):.0f}"
            f" {y - 480 * cos(a - w):.0f}L{x + 480 * sin(a + w):.0f} {y - 480 * cos(a + w):.0f}Z"
        )
    side = rng.choice((-1, 1))
    cut = [(200 - side * 215, 330), (200 + side * 20, 190), (200 + side * 215, 50), (200 + side * 36, 220)]
    return (
        path(rays, p.second)
        + rect(0, 402, 400, 198, p.ground)
        + polygon(cut, p.main)
        + polygon([(x, y + 14) for x, y in cut[:1]] + [(200 + side * 30, 214), *cut[2:]], p.ink)
    )


def burst(rng: Random, p: Palette) -> str:
    """Super power: an explosion of stars in stars."""
    n, x, y = rng.randint(11, 15), 200 + rng.uniform(-24, 24), 205 + rng.uniform(-16, 16)

    def star(r: float, inner: float, turn: float, fill: str) -> str:
        outer, low = around(x, y, r, n, turn), around(x, y, r * inner, n, turn + pi / n)
        return polygon([point for pair in zip(outer, low, strict=True) for point in pair], fill)

    t = rng.uniform(0, 1)
    bolt = [(14, -98), (-46, 16), (-6, 16), (-18, 98), (46, -24), (6, -24)]
    return (
        star(185, 0.7, t, p.second)
        + star(145, 0.66, t + 0.1, p.main)
        + polygon([(x + a, y + b) for a, b in bolt], p.ink)
    )


def enso(rng: Random, p: Palette) -> str:
    """Martial arts, samurai: a brushed circle and a blade."""
    turn = rng.uniform(0, 360)
    blade = rng.choice((-1, 1)) * rng.uniform(28, 60)
    brush = "".join(
        ring(200, 205, 140 - 9 * i, 8 - i, p.main, f' stroke-dasharray="{720 - 70 * i} 999"')
        for i in range(4)
    )
    return (
        f'<g transform="rotate({turn:.0f} 200 205)">{brush}</g>'
        + f'<g transform="rotate({blade:.0f} 200 205)">'
        + path("M194 20Q212 120 206 290H194Z", p.ink)
        + rect(176, 290, 48, 8, p.third)
        + rect(192, 298, 16, 84, p.second)
        + "</g>"
    )


def hexagons(rng: Random, p: Palette) -> str:
    """Science fiction: cells."""
    out = ""
    for row in range(5):
        for column in range(4):
            x, y = 52 + column * 104 + (52 if row % 2 else 0), 35 + row * 90
            pick = rng.random()
            if pick < 0.72:
                fill = (p.main, p.second, p.third, p.ink)[int(pick / 0.18)]
                out += polygon(around(x, y, 56, 6), fill, faint(1 if pick < 0.5 else 0.5))
    return (
        out
        + rect(0, 402, 400, 198, p.ground)
        + polygon(around(208, 215, 90, 6), p.ground)
        + polygon(around(208, 215, 62, 6), p.main)
        + circle(208, 215, 26, p.ink)
    )


def spiral(rng: Random, p: Palette) -> str:
    """Psychological: circles that slip away."""
    n, a = 9, rng.uniform(0, 2 * pi)
    fills = (p.main, p.ink, p.second, p.ground)
    return "".join(
        circle(
            200 + 11 * i * sin(a + i * 0.22),
            205 - 9 * i * cos(a + i * 0.22),
            178 - 19 * i,
            fills[i % 4 if i < n - 1 else 0],
        )
        for i in range(n)
    )


def flame(rng: Random, p: Palette) -> str:
    """Demons: a horned fire."""
    lean = rng.uniform(-26, 26)

    def tongue(s: float, fill: str) -> str:
        return path(
            "M0 120C-130 110-130-10-70-80Q-64-30-40-20Q-40-110"
            f" {lean:.0f}-170Q34-100 40-30Q62-50 66-86C136-10 130 110 0 120Z",
            fill,
            f' transform="translate(200 {120 + 120 / s**0.2:.0f}) scale({s:.2f})"',
        )

    return (
        ring(200, 205, 178, 3, p.third) + tongue(1.12, p.second) + tongue(0.76, p.main) + tongue(0.38, p.ink)
    )


def invader(rng: Random, p: Palette) -> str:
    """Game: a creature of pixels, another for every title."""
    size, rows, half = 32, 8, 4
    pixels, extra = "", ""
    for row in range(rows):
        for column in range(half):
            if rng.random() < (0.72 if 1 <= row <= 5 else 0.42):
                for x in {column, 2 * half - 1 - column}:
                    pixels += f"M{72 + x * size} {76 + row * size}h{size}v{size}h-{size}Z"
    for x in (2, 5):
        extra += f"M{72 + x * size} {76 + 3 * size}h{size}v{size}h-{size}Z"
    floor = "".join(rect(x, 364, 20, 8, p.second) for x in range(40, 360, 40))
    return sky(rng, p.second, 24, 330) + path(pixels, p.main) + path(extra, p.ink) + floor


def chevrons(rng: Random, p: Palette) -> str:
    """Military: ranks and a star, rising or falling."""
    n, up, wide = rng.randint(2, 4), rng.choice((-1, 1)), rng.uniform(105, 150)
    drop, top = up * rng.uniform(46, 78), 205 + 70 * up - 21 * (n - 1)
    stripes = ""
    for i in range(n):
        y = top + 44 * i
        edge = [(200 - wide, y + drop / 2), (200, y - drop / 2), (200 + wide, y + drop / 2)]
        stripes += polygon(edge + [(x, v + 27) for x, v in edge[::-1]], (p.main, p.second)[i % 2])
    star = [
        point
        for pair in zip(
            around(200, 205 - 95 * up, 60, 5), around(200, 205 - 95 * up, 24, 5, pi / 5), strict=True
        )
        for point in pair
    ]
    return stripes + polygon(star, p.ink)
