"""Read ratings files, and refuse a wrong one with the line that is wrong."""

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import union_categoricals

from ml.feedback import FEEDBACK_NAMES, Feedback, bucket_ratings

ITEM_COLUMNS = ("anime_id", "item_id")
COLUMNS = ("user_id", *ITEM_COLUMNS, "rating", "feedback", "timestamp")
ROWS_AT_A_TIME = 50_000  # few: pandas keeps every text of a chunk in a hash table, and a large one is slow
NUMBER = r"[-+]?\d+(\.\d*)?"


class DataError(ValueError):
    """The data cannot be used; the message says why and what to do."""


def read_ratings(path: Path, rating_scale: float = 10.0) -> pd.DataFrame:
    """Read one ratings CSV into user_id (categories), item_id (int64), feedback (int8), timestamp (float64).

    The file has `user_id`, `anime_id` or `item_id`, and optionally `rating` (numeric, at most `rating_scale`;
    -1, 0 or empty = watched without a score), `feedback` (dislike, like, love, watched; wins over the rating)
    and `timestamp` (Unix seconds or ISO 8601; NaN where unknown). With neither rating nor feedback every row
    is a like. Raises DataError for a missing file or column, and for a wrong value with its line number.
    """
    parts = [_typed(path, chunk, rating_scale) for chunk in _chunks(path)]
    people = union_categoricals([part.pop("user_id") for part in parts])
    return pd.concat(parts, ignore_index=True).assign(user_id=people)


def _typed(path: Path, table: pd.DataFrame, rating_scale: float) -> pd.DataFrame:
    """Check and convert a part of the file; its index counts the file's rows."""
    item_column = next((name for name in ITEM_COLUMNS if name in table), None)
    if item_column is None or "user_id" not in table:
        raise DataError(f"{path}: the header needs user_id and anime_id (or item_id).")
    _refuse(path, "user_id", table["user_id"], table["user_id"].isna().to_numpy(), "a person's id")
    return pd.DataFrame(
        {
            "user_id": table["user_id"].astype("category"),
            "item_id": _integers(path, item_column, table[item_column]),
            "feedback": _feedback(path, table, rating_scale),
            "timestamp": _timestamps(path, table),
        }
    )


def _chunks(path: Path) -> Iterator[pd.DataFrame]:
    """Yield the known columns, as numbers where every value of a chunk is one; people's ids stay text."""
    try:
        yield from pd.read_csv(
            path,
            usecols=lambda name: name in COLUMNS,
            dtype={"user_id": str},  # 07 is not 7
            chunksize=ROWS_AT_A_TIME,
            low_memory=False,
            skip_blank_lines=False,
            keep_default_na=False,
            na_values=[""],
        )
    except FileNotFoundError:
        raise DataError(f"{path}: no such file.") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a CSV file with a header ({str(error).strip()}).") from error


def _refuse(path: Path, column: str, values: "pd.Series[Any]", wrong: NDArray[np.bool_], wanted: str) -> None:
    """Raise DataError naming the first wrong value and its line."""
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        value = values.iloc[place]
        shown = "an empty value" if pd.isna(value) else repr(str(value))
        line = line_of(path, int(values.index[place]))
        raise DataError(f"{path}, line {line}: {column} is {shown}, not {wanted}.")


def line_of(path: Path, row: int) -> int:
    """Return the line on which data row `row` (from 0) begins; quoted cells before it may have several."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        for _ in islice(reader, row + 1):  # the header, and the rows before
            pass
        return reader.line_num + 1


def _integers(path: Path, column: str, values: "pd.Series[Any]") -> NDArray[np.int64]:
    """Convert a column of ids."""
    if pd.api.types.is_integer_dtype(values):
        return values.to_numpy(np.int64)
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
    wrong = ~np.isfinite(numbers) | (numbers != np.floor(numbers)) | (np.abs(numbers) > 2**53)
    _refuse(path, column, values, wrong, "a whole number")
    return numbers.astype(np.int64)


def _feedback(path: Path, table: pd.DataFrame, rating_scale: float) -> NDArray[np.int8]:
    """Return `Feedback` values from the feedback column, the rating column, or like."""
    if "feedback" in table:
        names = table["feedback"].astype("string").str.strip().str.lower()
        values = names.map(lambda name: int(FEEDBACK_NAMES.get(name, Feedback.PADDING))).to_numpy(np.int8)
        wrong = values == Feedback.PADDING
        _refuse(path, "feedback", table["feedback"], wrong, "dislike, like, love or watched")
        return values
    if "rating" not in table:
        return np.full(len(table), Feedback.LIKE, dtype=np.int8)
    ratings = pd.to_numeric(table["rating"], errors="coerce").to_numpy(np.float64)
    text = np.isnan(ratings) & table["rating"].notna().to_numpy()
    outside = (ratings > rating_scale) | (ratings < -1) | ((ratings < 0) & (ratings != -1))
    _refuse(path, "rating", table["rating"], text | outside, f"-1 or a number from 0 to {rating_scale:g}")
    return bucket_ratings(np.where(ratings > 0, ratings * (10.0 / rating_scale), ratings))


def _timestamps(path: Path, table: pd.DataFrame) -> NDArray[np.float64]:
    """Return Unix seconds, NaN where the file has none."""
    if "timestamp" not in table:
        return np.full(len(table), np.nan)
    values = table["timestamp"]
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(np.float64)
    numeric = values.str.fullmatch(NUMBER).fillna(False).to_numpy(bool)  # 20200101 is a number of seconds
    seconds = np.full(len(table), np.nan)
    seconds[numeric] = values[numeric].astype(np.float64)
    text = ~numeric & values.notna().to_numpy()
    times = pd.to_datetime(values[text], format="ISO8601", utc=True, errors="coerce")
    wrong = text.copy()
    wrong[text] = times.isna().to_numpy()
    _refuse(path, "timestamp", values, wrong, "Unix seconds or an ISO 8601 time")
    epoch = pd.Timestamp("1970-01-01", tz="UTC")
    seconds[text] = ((times - epoch) / pd.Timedelta(seconds=1)).to_numpy(np.float64)
    return seconds
