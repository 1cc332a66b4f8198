"""What titles are, from an items file: content vectors, also for titles nobody has reacted to yet."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.feedback import Feedback
from ml.history import History
from ml.id_maps import IdMap
from ml.ratings import ITEM_COLUMNS, DataError, line_of

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


@dataclass(frozen=True)
class ItemContent:
    """What M titles are, in F features: compressed sparse rows, and the name of every feature.

    Title m has features[offsets[m]:offsets[m + 1]] with `values`: (1 + log tf) idf (Salton and Buckley,
    1988), each block of a title scaled to length one. A block is a column of the items table;
    `maps` names its tokens, and its features follow those of the blocks before it.
    """

    item_ids: NDArray[np.int64]  # (M,)
    offsets: NDArray[np.int64]  # (M + 1,)
    features: NDArray[np.int32]  # (E,)
    values: NDArray[np.float32]  # (E,)
    maps: dict[str, list[str]]

    @classmethod
    def of(cls, items: pd.DataFrame) -> Self:
        """Weigh a table of `read_items`. Columns it lacks and empty cells add nothing."""
        maps: dict[str, list[str]] = {}
        parts = []
        for column in (column for column in BLOCKS if column in items):
            start = sum(map(len, maps.values()))
            rows, features, values, maps[column] = _block([_tokens(column, cell) for cell in items[column]])
            parts.append((rows, features + start, values))
        rows, features, values = (np.concatenate([part[axis] for part in parts]) for axis in range(3))
        order = np.lexsort((features, rows))
        lengths = np.bincount(rows, minlength=len(items))
        return cls(
            items["item_id"].to_numpy(np.int64),
            np.concatenate([[0], np.cumsum(lengths)]),
            features[order].astype(np.int32),
            values[order].astype(np.float32),
            maps,
        )

    def ordered(self, id_map: IdMap) -> "ItemContent":
        """Put the titles of an id map first, in its order and some perhaps empty, then all the others."""
        places = IdMap(self.item_ids.tolist())
        item_ids = np.array(id_map.extend(self.item_ids.tolist()).ids, dtype=np.int64)
        old = places.indices_of(item_ids.tolist()) - 1  # -1 = no content
        lengths = np.where(old >= 0, np.diff(self.offsets)[old], 0)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        entries = np.arange(offsets[-1]) + np.repeat(self.offsets[old] - offsets[:-1], lengths)
        return ItemContent(item_ids, offsets, self.features[entries], self.values[entries], self.maps)

    @property
    def n_features(self) -> int:
        """Count the features F."""
        return sum(map(len, self.maps.values()))

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, as a dataset stores them."""
        names = ("item_ids", "offsets", "features", "values")
        return {f"content_{name}": getattr(self, name) for name in names}


class ContentMatrix:
    """Sparse content vectors (M, F) of every title, each of length one, or zero without content.

    A block counts as the root of its weight, so that the product of two titles is the weighted mean of their
    blocks' cosines. `weights` replaces weights of `BLOCKS`. Raises ValueError for a weight of an unknown
    block.
    """

    def __init__(self, items: pd.DataFrame | ItemContent, weights: Mapping[str, float] | None = None) -> None:
        strangers = set(weights or {}) - set(BLOCKS)
        if strangers:
            raise ValueError(f"Unknown blocks {sorted(strangers)}; use some of {', '.join(BLOCKS)}.")
        content = items if isinstance(items, ItemContent) else ItemContent.of(items)
        self.item_ids = tuple(content.item_ids.tolist())
        weighed = BLOCKS | dict(weights or {})
        roots = np.concatenate(
            [np.full(len(names), weighed[block] ** 0.5) for block, names in content.maps.items()]
        )
        rows = np.repeat(np.arange(len(self.item_ids)), np.diff(content.offsets))
        shape = (len(self.item_ids), max(content.n_features, 1))
        self.vectors = _unit_rows(rows, content.features, content.values * roots[content.features], shape)

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


def read_items(*paths: Path) -> pd.DataFrame:
    """Read items CSVs into item_id (int64, unique) and those of `BLOCKS` that they have, as text.

    A file has `anime_id` or `item_id`, and any of name, genre (comma-separated), type, synopsis, year,
    studio, source. Of a column in several files a title has the first that is not empty. Raises DataError for
    a missing file, no such column, or a wrong id with its line.
    """
    tables = [_read_items(path).set_index("item_id") for path in paths]
    joined = tables[0]
    for table in tables[1:]:
        joined = joined.mask(joined == "").combine_first(table.mask(table == "")).fillna("")
    return joined.reset_index()


def _read_items(path: Path) -> pd.DataFrame:
    """Read one items CSV."""
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
            f"{path}, line {line_of(path, row)}: {column} is {table[column].iloc[row]!r}, "
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
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], list[str]]:
    """Weigh bags of tokens by (1 + log tf) idf, rows scaled to length one: rows, features, values, tokens."""
    spread = Counter(token for bag in bags for token in set(bag))
    tokens = sorted(token for token, n in spread.items() if n >= MIN_TITLES)
    places = {token: place for place, token in enumerate(tokens)}
    entries = [
        (row, places[token], (1 + np.log(n)) * np.log((1 + len(bags)) / spread[token]))
        for row, bag in enumerate(bags)
        for token, n in Counter(bag).items()
        if token in places
    ]
    table = np.array(entries, dtype=np.float64).reshape(-1, 3)
    rows, features = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    squares = np.bincount(rows, weights=table[:, 2] ** 2, minlength=len(bags))
    return rows, features, table[:, 2] / np.sqrt(squares[rows]), tokens


def _unit_rows(
    rows: NDArray[np.int64], features: NDArray[np.int32], values: NDArray[np.float64], shape: tuple[int, int]
) -> Tensor:
    """Make a sparse matrix whose rows have length one, or none."""
    kept = values > 0
    rows, features, values = rows[kept], features[kept], values[kept]
    squares = np.bincount(rows, weights=values**2, minlength=shape[0])
    values = (values / np.sqrt(squares[rows])).astype(np.float32)
    places = torch.from_numpy(np.stack([rows, features.astype(np.int64)]))
    return torch.sparse_coo_tensor(places, torch.from_numpy(values), shape, check_invariants=True).coalesce()
