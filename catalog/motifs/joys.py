"""Love, play and laughter."""

from __future__ import annotations

from math import pi, sin
from random import Random

from catalog.motifs.shapes import Palette, around, circle, faint, line, path, polygon, rect, ring


def romance(rng: Random, p: Palette) -> str:
    y, r, gap = rng.uniform(180, 215), rng.uniform(92, 112), rng.uniform(46, 68)
    lean = rng.uniform(-28, 28)
    reach = (r * r - gap * gap) ** 0.5
    lens = (
        f"M200 {y - reach:.0f}A{r:.0f} {r:.0f} 0 0 1 200"
        f" {y + reach:.0f}A{r:.0f} {r:.0f} 0 0 1 200 {y - reach:.0f}Z"
    )
    petals = "".join(
        path(
            "M0 0q-9-13 0-24q9 11 0 24Z",
            p.third,
            f' transform="translate({rng.uniform(20, 380):.0f}'
            f' {rng.uniform(30, 370):.0f}) rotate({rng.uniform(0, 360):.0f})"',
        )
        for _ in range(9)
    )
    return petals + (
        f'<g transform="rotate({lean:.0f} 200 {y:.0f})">'
        + circle(200 - gap, y, r, p.main)
        + circle(200 + gap, y, r, p.second)
        + path(lens, p.ink)
        + "</g>"
    )


def heart(rng: Random, p: Palette) -> str:
    n, turn = rng.randint(4, 5), rng.uniform(-14, 14)
    fills = [p.main, p.second, p.third, p.ground, p.ink]
    shape = "M0 70C-120-10-70-100 0-48C70-100 120-10 0 70Z"
    return (
        f'<g transform="translate(200 215) rotate({turn:.0f})">'
        + "".join(
            path(shape, fills[i % 4 if i < n - 1 else 4], f' transform="scale({2 - i * 1.75 / n:.2f})"')
            for i in range(n)
        )
        + "</g>"
    )


def umbrella(rng: Random, p: Palette) -> str:
    """Romance: one umbrella in the rain."""
    x, turn = 200 + rng.uniform(-20, 20), rng.uniform(-16, 16)
    rain = "".join(f"M{rng.uniform(0, 400):.0f} {rng.uniform(0, 380):.0f}l-7 26" for _ in range(22))
    ribs = "".join(
        path(f"M0-140Q{a} -90 {a} 0Q{(a + b) / 2:.0f} {-24} {b} 0Q{b} -90 0-140Z", fill)
        for a, b, fill in (
            (-150, -90, p.main),
            (-90, -30, p.second),
            (-30, 30, p.main),
            (30, 90, p.second),
            (90, 150, p.main),
        )
    )
    handle = line("M0-160V150q0 30 26 30t26-30", p.ink, 9, ' stroke-linecap="round"')
    return (
        line(rain, p.third, 4, ' stroke-linecap="round"')
        + f'<g transform="translate({x:.0f} 205) rotate({turn:.0f})">{handle}{ribs}</g>'
    )


def letter(rng: Random, p: Palette) -> str:
    """Romance: a letter, sealed."""
    turn, hearts = rng.uniform(-14, 14), ""
    for _ in range(rng.randint(4, 7)):
        x, y, s = rng.uniform(20, 380), rng.uniform(20, 380), rng.uniform(0.1, 0.26)
        hearts += (
            '<use href="#h" x="0" y="0" transform="transl'
            f'ate({x:.0f} {y:.0f}) scale({s:.2f})" fill="{p.third}"/>'
        )
    return (
        '<defs><path id="h" d="M0 70C-120-10-70-100 0-48C70-100 120-10 0 70Z"/></defs>'
        + hearts
        + f'<g transform="translate(200 215) rotate({turn:.0f})">'
        + rect(-135, -92, 270, 184, p.main, ' rx="8"')
        + path("M-135 84L-20-10H20L135 84Q134 92 127 92H-127Q-134 92-135 84Z", p.second)
        + path("M-135-84Q-134-92-127-92H127Q134-92 135-84L14 22Q0 32-14 22Z", p.second)
        + line("M-133-86L-14 20Q0 30 14 20L133-86", p.ground, 4)
        + f'<use href="#h" transform="translate(0 20) scale(.42)" fill="{p.ink}"/></g>'
    )


def sports(rng: Random, p: Palette) -> str:
    x, middle = rng.choice((-10, 410)), rng.choice((205, 400))
    lanes = "".join(ring(x, middle, 60 + 44 * i, 36, (p.main, p.second)[i % 2]) for i in range(5))
    bx, by = 400 - x * 0.55 - 75 + rng.uniform(-14, 14), rng.uniform(85, 130)
    return (
        lanes
        + rect(0, 402, 400, 198, p.ground)
        + circle(bx, by, 52, p.ink)
        + line(f"M{bx - 50:.0f} {by - 12:.0f}q50 34 100 0M{bx - 36:.0f} {by + 37:.0f}q36-40 72 0", p.third, 5)
    )


def music(rng: Random, p: Palette) -> str:
    if rng.random() < 0.4:
        grooves = "".join(ring(200, 205, r, 2, p.second, faint(0.6)) for r in range(78, 160, 14))
        return (
            circle(200, 205, 165, p.main)
            + grooves
            + circle(200, 205, 58, p.third)
            + circle(200, 205, 9, p.ground)
        )
    n, phase, wave = rng.choice((9, 11, 13)), rng.uniform(0, 6), rng.uniform(0.5, 1.1)
    w = 340 / n
    bars = ""
    for i in range(n):
        h = 50 + 110 * abs(sin(phase + i * wave)) + rng.uniform(0, 40)
        fill = (p.main, p.second, p.third, p.ink)[rng.randrange(4) if i % 3 == 0 else i % 2]
        bars += rect(30 + i * w + w * 0.14, 205 - h, w * 0.72, 2 * h, fill, f' rx="{w * 0.36:.0f}"')
    return bars


def bubble(rng: Random, p: Palette) -> str:
    """Comedy: a comic's shout on halftone."""
    turn, n = rng.uniform(-12, 12), rng.randint(11, 14)
    rows = "".join(
        f"M{20 + 30 * (i % 13) + 15 * (row % 2)} {20 + row * 30}h.1" for row in range(13) for i in range(13)
    )
    x, y = 200 + rng.uniform(-14, 14), 200
    outer, inner = around(x, y, 168, n, turn), around(x, y, 122, n, turn + pi / n)
    spiky = [point for pair in zip(outer, inner, strict=True) for point in pair]
    mark = "M-17-84h34l-8 104h-18ZM0 38a18 18 0 1 1-.1 0Z"
    marks = "".join(
        path(mark, p.ground, f' transform="translate({x + dx:.0f} {y:.0f}) rotate({turn + lean:.0f})"')
        for dx, lean in (((0, 0),), ((-28, -7), (28, 7)))[rng.randrange(2)]
    )
    return (
        line(rows, p.third, rng.uniform(9, 14), ' stroke-linecap="round"')
        + polygon([(a + 12, b + 12) for a, b in spiky], p.ink)
        + polygon(spiky, p.main)
        + marks
    )


def confetti(rng: Random, p: Palette) -> str:
    """Comedy: a grin among confetti."""
    bits = ""
    for i in range(26):
        x, y, fill = rng.uniform(10, 370), rng.uniform(15, 400), (p.second, p.third, p.ink)[i % 3]
        more = f' transform="rotate({rng.uniform(0, 90):.0f} {x:.0f} {y:.0f})"'
        bits += rect(x, y, 24, 9, fill, more) if i % 2 else circle(x, y, rng.uniform(6, 11), fill)
    y, wink = 205 + rng.uniform(-14, 14), rng.random() < 0.5
    eye = (
        line(f"M232 {y - 30:.0f}q20-26 40 0", p.ground, 11, ' stroke-linecap="round"')
        if wink
        else circle(252, y - 36, 16, p.ground)
    )
    return (
        bits
        + circle(200, y, 128, p.main)
        + circle(148, y - 36, 16, p.ground)
        + eye
        + path(f"M122 {y + 14:.0f}h156a78 74 0 0 1-156 0Z", p.ground)
        + path(f"M158 {y + 70:.0f}q42-40 84 0q-42 32-84 0Z", p.second)
    )


def blocks(rng: Random, p: Palette) -> str:
    """Kids, and titles without a genre: a Bauhaus wall of quarters, halves and discs."""
    out, fills = "", (p.main, p.second, p.third, p.ink)
    shapes = (
        "M0 0h100v100Z",
        "M0 0a100 100 0 0 1 100 100H0Z",
        "M0 0h100a50 50 0 0 1-100 0Z",
        "M50 0a50 50 0 1 1-1 0Z",
        "M0 0h100v100H0Z",
        "M0 50a50 50 0 0 1 100 0v50H0Z",
    )
    for row in range(4):
        for column in range(4):
            if rng.random() < 0.86:
                more = (
                    f' transform="translate({column * 100} {row * 100})'
                    f' rotate({rng.randrange(4) * 90} 50 50)"'
                )
                out += path(rng.choice(shapes), rng.choice(fills), more)
    return out


def bloom(rng: Random, p: Palette) -> str:
    """Shoujo, josei: a flower of many petals, with sparkles."""
    n, x, y = rng.choice((8, 10, 12)), 200 + rng.uniform(-30, 30), 205
    petal = "M0 0C-46-50-40-130 0-158C40-130 46-50 0 0Z"
    rows = "".join(
        path(petal, fill, f' transform="translate({x:.0f} {y}) rotate({360 * i / n + turn:.0f}) scale({s})"')
        for fill, s, turn in ((p.second, 1.08, 0), (p.main, 0.72, 180 / n))
        for i in range(n)
    )
    sparkle = "".join(
        f"M{a:.0f} {b - 16:.0f}q2 14 16 16q-14 2-16 16q-2-14-16-16q14-2 16-16Z"
        for a, b in (
            (rng.uniform(30, 370), rng.choice((rng.uniform(30, 80), rng.uniform(340, 380)))) for _ in range(5)
        )
    )
    return rows + circle(x, y, 34, p.third) + path(sparkle, p.ink)
