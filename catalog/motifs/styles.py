"""Which colours and which motifs stand for a genre."""

from __future__ import annotations

from catalog.motifs import emblems, joys, scenes
from catalog.motifs.shapes import Motif, Palette

MOODS: dict[str, tuple[Palette, ...]] = {
    "tender": (
        Palette("#f8ddd6", "#e4586b", "#f2a38f", "#b03a5b", "#57182f"),
        Palette("#3b1236", "#ff6f91", "#ffb199", "#8f2d63", "#ffeef0"),
        Palette("#fbe9d7", "#ef7b5a", "#f6b8a0", "#3f7d8c", "#4a2331"),
        Palette("#c9385c", "#ffd3c4", "#ff8fa3", "#7d1436", "#fff4ec"),
        Palette("#e9dcf2", "#8a5cc2", "#f08fb2", "#5b3590", "#34194f"),
    ),
    "dread": (
        Palette("#140d12", "#c21f32", "#5c0f1f", "#8c2a2f", "#f3e6d8"),
        Palette("#0e1512", "#8fbf3f", "#2d4a2f", "#47694a", "#eaf0d8"),
        Palette("#e8dfcf", "#a3161f", "#2a2022", "#7a6a5c", "#1c1113"),
        Palette("#1a1026", "#9b3fd1", "#4a1f6b", "#c7476f", "#f2e4f7"),
    ),
    "cosmic": (
        Palette("#0b1033", "#ff8a5c", "#5f7cff", "#c2477f", "#f3efff"),
        Palette("#10202e", "#41d3bd", "#f5b841", "#1d7a86", "#eefbf7"),
        Palette("#1b0f3b", "#f25fa6", "#8f7bff", "#6a2fb0", "#f8ecff"),
        Palette("#dfe9ef", "#27507d", "#ef6f4d", "#7fa7c4", "#12233b"),
    ),
    "steel": (
        Palette("#dcdfe0", "#2f4a6b", "#e2472f", "#8c9aa6", "#16202b"),
        Palette("#20272e", "#e8e3d7", "#f2a900", "#5f6f7c", "#fbf7ec"),
        Palette("#e5a02b", "#26303a", "#f6ecd8", "#8f5a12", "#1a1d21"),
        Palette("#3c4a3a", "#c9c39b", "#d9682c", "#6f7d5b", "#f6f1dc"),
    ),
    "drive": (
        Palette("#e2452f", "#fbe8cf", "#ff8a4f", "#8c1f1d", "#fff6ea"),
        Palette("#14489c", "#f7c531", "#3f82e0", "#0d2a63", "#fdf8e4"),
        Palette("#f4c430", "#d7332c", "#f9e29a", "#1f3a5f", "#231a12"),
        Palette("#12233a", "#ff5a36", "#2f6f9f", "#ffd166", "#f7f3ea"),
        Palette("#17694f", "#f6e7c1", "#4fae7b", "#0c3b2f", "#fbf6e6"),
    ),
    "daily": (
        Palette("#cfe6ea", "#f2795c", "#8cc2c4", "#2f6f78", "#17363d"),
        Palette("#fbe6b8", "#ef8354", "#a8c69f", "#4f7f6b", "#2f3a33"),
        Palette("#e3efd9", "#e8a13b", "#9cc48a", "#4b7f5e", "#21402f"),
        Palette("#2b3a67", "#ffb37b", "#5c6fb1", "#18224a", "#fff1e0"),
        Palette("#f7d9c9", "#d95f59", "#eeb49c", "#5a6c8f", "#35243a"),
    ),
    "wonder": (
        Palette("#123b3a", "#f3c677", "#2f7d6b", "#0a2423", "#fbf3df"),
        Palette("#2a1b52", "#f2b5d4", "#6a4fb3", "#180e35", "#f9effa"),
        Palette("#f3dfb5", "#d9733c", "#9cae7c", "#47624f", "#28302a"),
        Palette("#173a63", "#ffd27a", "#3f7fae", "#0d2342", "#f8f2e2"),
        Palette("#d8e4d0", "#e76f51", "#7aa095", "#264653", "#15282f"),
    ),
    "bright": (
        Palette("#ffd84a", "#f0553a", "#3aa6a0", "#f79d3c", "#2b2140"),
        Palette("#f7f0e1", "#f26a4b", "#2f8f9d", "#f2b632", "#26324a"),
        Palette("#35a7a0", "#ffd95e", "#ff7b5f", "#1f6f78", "#fdfaf0"),
        Palette("#f79ab0", "#fff0c9", "#e0406a", "#4a58a8", "#3a1537"),
        Palette("#4b3f9e", "#ffc94d", "#f06a7e", "#58c3b5", "#fbf5ff"),
    ),
    "shadow": (
        Palette("#1b2230", "#e0b04b", "#55617a", "#b5483a", "#f4eddc"),
        Palette("#e9e3d3", "#2d2a32", "#c8553d", "#8c8577", "#1b191e"),
        Palette("#0f2f35", "#d9e7d0", "#2f6f6f", "#e07a3f", "#f3f4e6"),
        Palette("#2d1e2f", "#f1a66a", "#7a4a6d", "#d4505f", "#fbeee3"),
    ),
    "washi": (
        Palette("#f1e7d3", "#c8372d", "#33567d", "#b89b5e", "#1e2530"),
        Palette("#1f3352", "#e0492f", "#7fa0bd", "#c9a45c", "#f6eedd"),
        Palette("#d8cfae", "#b5322b", "#5e7f62", "#8a6a3b", "#27241c"),
        Palette("#7d1f22", "#f0c987", "#b8443b", "#4a1013", "#fbf0dc"),
    ),
}

# Genres from the most to the least telling: the first that a title has gives its motif and its colours.
STYLES: dict[str, tuple[str, tuple[Motif, ...]]] = {
    "hentai": ("shadow", (scenes.curtain,)),
    "mecha": ("steel", (emblems.mecha,)),
    "space": ("cosmic", (scenes.space,)),
    "vampire": ("dread", (emblems.vampire,)),
    "cars": ("drive", (scenes.cars,)),
    "sports": ("drive", (joys.sports,)),
    "music": ("bright", (joys.music,)),
    "samurai": ("washi", (emblems.enso, scenes.waves)),
    "martial arts": ("washi", (emblems.enso,)),
    "horror": ("dread", (emblems.horror,)),
    "military": ("steel", (emblems.chevrons,)),
    "police": ("shadow", (scenes.beams,)),
    "psychological": ("shadow", (emblems.spiral,)),
    "thriller": ("shadow", (scenes.beams, emblems.horror)),
    "mystery": ("shadow", (scenes.keyhole,)),
    "demons": ("dread", (emblems.flame,)),
    "game": ("cosmic", (emblems.invader,)),
    "historical": ("washi", (scenes.waves,)),
    "shoujo ai": ("tender", (joys.romance,)),
    "shounen ai": ("tender", (joys.romance,)),
    "yuri": ("tender", (joys.romance,)),
    "yaoi": ("tender", (joys.romance,)),
    "harem": ("tender", (joys.heart, joys.letter)),
    "super power": ("drive", (emblems.burst,)),
    "magic": ("wonder", (emblems.magic,)),
    "romance": ("tender", (joys.romance, joys.umbrella, joys.letter)),
    "sci-fi": ("cosmic", (scenes.grid, emblems.hexagons)),
    "supernatural": ("washi", (scenes.torii,)),
    "fantasy": ("wonder", (scenes.castle,)),
    "slice of life": ("daily", (scenes.wires, scenes.cup)),
    "school": ("daily", (scenes.sakura,)),
    "adventure": ("wonder", (scenes.peaks,)),
    "parody": ("bright", (joys.bubble,)),
    "action": ("drive", (emblems.slash,)),
    "shoujo": ("tender", (joys.bloom,)),
    "josei": ("daily", (joys.bloom,)),
    "ecchi": ("bright", (joys.heart, joys.bubble)),
    "seinen": ("shadow", (scenes.skyline,)),
    "dementia": ("shadow", (emblems.spiral,)),
    "kids": ("bright", (joys.blocks,)),
    "comedy": ("bright", (joys.bubble, joys.confetti)),
    "shounen": ("drive", (scenes.sunrise,)),
    "drama": ("daily", (scenes.horizon,)),
}
# These paint the ground below the scene, where the title stands, in the third colour.
FLOORED: frozenset[Motif] = frozenset(
    {scenes.wires, scenes.castle, scenes.peaks, scenes.skyline, scenes.beams, scenes.torii}
)
PLAIN: tuple[str, tuple[Motif, ...]] = ("bright", (joys.blocks,))
