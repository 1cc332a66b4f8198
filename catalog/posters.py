"""The poster a title has without a picture: drawn from its genres and its id, the same every time."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from django.utils.html import escape

from catalog.models import Item, poster_version
from catalog.motifs.shapes import Motif
from catalog.motifs.styles import FLOORED, MOODS, PLAIN, STYLES
from catalog.typesetting import Block, set_title

# One family of type for the whole series; every system has one of these, and one with Japanese.
FONTS = (
    "Futura,Avenir Next,Century Gothic,Montserrat,Segoe UI,Noto"
    " Sans,Hiragino Sans,Noto Sans CJK JP,Yu Gothic,sans-serif"
)


def legible(ink: str, ground: str) -> str:
    """Return `ink`, or where that is too weak on `ground` for small type, near-white or near-black."""
    return (
        ink
        if contrast(ink, ground) >= 4.5
        else max(("#fffdf8", "#14110f"), key=lambda c: contrast(c, ground))
    )


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours as WCAG 2 defines it, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@dataclass(frozen=True)
class Poster:
    """What a poster is drawn from, and the version that its address carries."""

    anime_id: int
    name: str
    type: str
    year: int | None
    genres: tuple[str, ...]
    version: str

    @classmethod
    def of(cls, anime_id: int) -> Poster | None:
        """Return the poster of a title that is not hidden, in one query."""
        columns = ("name", "type", "year", "updated_at", "genres__name")
        rows = list(Item.objects.filter(pk=anime_id, is_hidden=False).values_list(*columns))
        if not rows:
            return None
        name, type_, year, updated_at, _ = rows[0]
        genres = tuple(sorted(genre for *_, genre in rows if genre))
        return cls(anime_id, name, type_, year, genres, poster_version(updated_at))

    def svg(self) -> str:
        """Draw it: 400 by 600, with presentation attributes only and nothing from elsewhere."""
        rng = Random(f"{self.anime_id} {self.name}")  # noqa: S311  (variety, not secrets)
        mood, motif = self._style(rng)
        palette = rng.choice(MOODS[mood])
        if rng.random() < 0.5 and contrast(palette.second, palette.ground) > 2:
            palette = palette._replace(main=palette.second, second=palette.main)
        ink = legible(palette.ink, palette.third if motif in FLOORED else palette.ground)
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 600" width="400" height="600" '
            f'role="img" aria-label="{escape(_printable(self.name))}">'
            f'<rect width="400" height="600" fill="{palette.ground}"/>'
            f"{motif(rng, palette)}{self._lettering(ink)}</svg>"
        )

    def _style(self, rng: Random) -> tuple[str, Motif]:
        """Choose by the leading genre, and now and then by the next: twenty neighbours should differ."""
        known = {genre.casefold() for genre in self.genres}
        styles = [style for genre, style in STYLES.items() if genre in known] or [PLAIN]
        mood, choices = styles[rng.random() < 0.35 and len(styles) > 1]
        return mood, rng.choice(choices)

    def _lettering(self, ink: str) -> str:
        block: Block = set_title(_printable(self.name))
        lines = "".join(f'<text x="30" y="{y}">{escape(text)}</text>' for y, text in block.placed(bottom=546))
        facts = " · ".join(str(fact) for fact in (self.type, self.year) if fact)
        return (
            f'<g fill="{ink}" font-family="{FONTS}"><g font-size="{block.size}" font-weight="700">{lines}</g>'
            f'<text x="31" y="577" font-size="18" letter-spacing="2">{escape(facts.upper())}</text></g>'
        )


def _printable(text: str) -> str:
    """Drop what XML forbids; the database may hold it, a parser would refuse the whole picture."""
    return "".join(char for char in text if char.isprintable())
