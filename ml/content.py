"""What titles are, from an items file: content vectors, also for titles nobody has reacted to yet."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.feedback import Feedback
from ml.history import History
from ml.id_maps import IdMap
from ml.ratings import FIRST_LINE, ITEM_COLUMNS, DataError

# A block of features for each column, and how much its similarity counts.
BLOCKS = {
    "genre": 1.0,
    "type": 0.3,
    "name": 1.0,
    "synopsis": 0.5,
    "year": 0.3,
    "studio": 0.3,
    "source": 0.2,
}
TASTE = {Feedback.DISLIKE: -0.5, Feedback.LIKE: 0.7, Feedback.LOVE: 1.0, Feedback.WATCHED: 0.5}
MIN_TITLES = 2  # a token of one title likens nothing
WORD = re.compile(r"\w+")


class ContentMatrix:
    """Sparse content vectors (M, F) of every title of an items table, each of length one.

    A block a column (genres, type, words of the title, …) holds TF-IDF weights (Salton and Buckley, 1988) and
    is scaled to length one times the root of its weight, so that the product of two titles is the
    weighted mean of their blocks' cosines. `weights` replaces weights of `BLOCKS`; columns the table lacks
    and empty cells add nothing. Raises ValueError for a weight of an unknown block.
    """

    def __init__(self, items: pd.DataFrame, weights: Mapping[str, float] | None = None) -> None:
        strangers = set(weights or {}) - set(BLOCKS)
        if strangers:
            raise ValueError(f"Unknown blocks {sorted(strangers)}; use some of {', '.join(BLOCKS)}.")
        self.item_ids = tuple(int(item_id) for item_id in items["item_id"])
        parts, width = [], 0
        for column, weight in (BLOCKS | dict(weights or {})).items():
            if column in items and weight > 0:
                rows, features, values, n = _block([_tokens(column, cell) for cell in items[column]])
                parts.append((rows, features + width, values * np.sqrt(weight)))
                width += n
        self.vectors = _unit_rows(parts, (len(items), max(width, 1)))

    def rows(self, id_map: IdMap) -> Tensor:
        """Return the vectors in the order of an id map, sparse (N + 1, F); unknown titles have none."""
        places = id_map.indices_of(self.item_ids)
        vectors = self.vectors.coalesce()
        rows, features = vectors.indices()
        moved = torch.from_numpy(places)[rows]
        kept = moved > 0
        return torch.sparse_coo_tensor(
            torch.stack([moved[kept], features[kept]]),
            vectors.values()[kept],
            (len(id_map) + 1, vectors.shape[1]),
            check_invariants=True,
        ).coalesce()


class ContentOnly:
    """Rank by the cosine of a title and the history's profile (Rocchio, 1971), with no other person's events.

    The profile is the sum of the history's vectors, weighted by feedback: love most, a dislike negative.
    `id_map` says which titles compete; by default all that have content, cold ones too. Titles without
    content score zero.
    """

    def __init__(
        self, content: ContentMatrix, id_map: IdMap | None = None, taste: Mapping[Feedback, float] = TASTE
    ) -> None:
        self._id_map = IdMap(content.item_ids) if id_map is None else id_map
        self._taste = taste
        self._known = IdMap(content.item_ids)  # a profile may hold titles that do not compete
        self._profiles = content.rows(self._known)
        self._candidates = content.rows(self._id_map)

    @property
    def id_map(self) -> IdMap:
        """Return the titles that compete."""
        return self._id_map

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Return cosines (len(histories), N + 1); all zero for a history without content."""
        weights = torch.zeros(len(self._known) + 1, len(histories))
        for column, history in enumerate(histories):
            indices = torch.from_numpy(self._known.indices_of(history.item_ids))
            said = torch.tensor([self._taste[Feedback(f)] for f in history.feedback], dtype=torch.float32)
            weights[:, column].index_add_(0, indices, said)
        weights[0] = 0
        profiles = torch.nn.functional.normalize(torch.sparse.mm(self._profiles.T, weights), dim=0)  # (F, B)
        scores = torch.sparse.mm(self._candidates, profiles).T.contiguous()
        scores[:, 0] = -torch.inf
        return np.asarray(scores.numpy(), dtype=np.float32)


def read_items(path: Path) -> pd.DataFrame:
    """Read an items CSV into item_id (int64, unique) and those of `BLOCKS` that it has, as text.

    The file has `anime_id` or `item_id`, and any of name, genre (comma-separated), type, synopsis, year,
    studio, source. Raises DataError for a missing file, no such column, or a wrong id with its line.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skip_blank_lines=False)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file.") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a CSV file with a header ({str(error).strip()}).") from error
    column = next((name for name in ITEM_COLUMNS if name in table), None)
    blocks = [name for name in BLOCKS if name in table]
    if column is None or not blocks:
        raise DataError(f"{path}: the header needs anime_id (or item_id) and one of {', '.join(BLOCKS)}.")
    wrong = (~table[column].str.fullmatch(r"\d{1,15}") | table[column].duplicated()).to_numpy()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"{path}, line {row + FIRST_LINE}: {column} is {table[column].iloc[row]!r}, "
            "not a whole number that comes once."
        )
    return table[blocks].assign(item_id=table[column].astype("int64"))


def _tokens(column: str, cell: str) -> list[str]:
    """Cut a cell into tokens: titles and synopses into words, a year with its decade, others at commas."""
    if column in ("name", "synopsis"):
        return WORD.findall(cell.lower())
    if column == "year":
        year = cell.split(".")[0].strip()
        return [year, f"{year[:3]}0s"] if year else []
    return [part for part in (part.strip().lower() for part in cell.split(",")) if part]


def _block(
    bags: Sequence[Sequence[str]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], int]:
    """Weigh bags of tokens by (1 + log tf) idf, rows scaled to length one: rows, features, values, width."""
    spread = Counter(token for bag in bags for token in set(bag))
    vocabulary = {token: place for place, token in enumerate(t for t, n in spread.items() if n >= MIN_TITLES)}
    entries = [
        (row, vocabulary[token], (1 + np.log(n)) * np.log((1 + len(bags)) / spread[token]))
        for row, bag in enumerate(bags)
        for token, n in Counter(bag).items()
        if token in vocabulary
    ]
    table = np.array(entries, dtype=np.float64).reshape(-1, 3)
    rows, features = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    squares = np.bincount(rows, weights=table[:, 2] ** 2, minlength=len(bags))
    return rows, features, table[:, 2] / np.sqrt(squares[rows]), len(vocabulary)


def _unit_rows(
    parts: Iterable[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]], shape: tuple[int, int]
) -> Tensor:
    """Put blocks side by side into one sparse matrix whose rows have length one, or none."""
    blocks = [*parts, (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    rows, features = (np.concatenate([block[axis] for block in blocks]) for axis in (0, 1))
    values = np.concatenate([block[2] for block in blocks])
    squares = np.bincount(rows, weights=values**2, minlength=shape[0])
    values = (values / np.sqrt(squares[rows])).astype(np.float32)
    places = torch.from_numpy(np.stack([rows, features]))
    return torch.sparse_coo_tensor(places, torch.from_numpy(values), shape, check_invariants=True).coalesce()
