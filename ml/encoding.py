"""Histories as the model's input arrays."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.config import SASRecConfig
from ml.history import History
from ml.id_maps import IdMap
from ml.time_bins import UNKNOWN_BIN, gap_bins

ITEM, FEEDBACK, TIME, GAP, POSITION = range(5)  # rows of an encoded history
Inputs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]  # the same as the model's inputs, each (B, L)


def encode(history: History, id_map: IdMap, config: SASRecConfig) -> NDArray[np.int64]:
    """Encode a history as (5, L) rows item, feedback, time bin, gap bin, position, without unknown titles.

    Of more than `config.max_length` events the newest with a time are kept, then an even draw of those
    without. A gap is the time since the person's dated event before, kept or not.
    """
    items = id_map.indices_of(history.item_ids)
    timestamps = np.array(history.timestamps, dtype=np.float64)  # None becomes NaN
    timed = ~np.isnan(timestamps)
    kept = np.flatnonzero(items)
    if len(kept) > config.max_length:
        kept = _window(kept, timed[kept], config.max_length)
    encoded = np.zeros((5, len(kept)), dtype=np.int64)
    encoded[TIME : GAP + 1] = UNKNOWN_BIN
    if timed.any():
        kept = np.concatenate([kept[~timed[kept]], kept[timed[kept]]])  # as in training: the set first
        gaps = np.full(len(items), UNKNOWN_BIN)
        gaps[timed] = gap_bins(timestamps[timed])
        encoded[TIME] = config.time_bins.bins_of(timestamps[kept])
        encoded[GAP] = gaps[kept]
        encoded[POSITION] = timed[kept]
    encoded[ITEM] = items[kept]
    encoded[FEEDBACK] = np.array(history.feedback, dtype=np.int64)[kept]
    return number_positions(encoded) if timed.any() else encoded


def number_positions(encoded: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the ordered events of (5, L) by their place, after events were dropped."""
    places = np.arange(1, encoded.shape[1] + 1)
    encoded[POSITION] = np.where(encoded[POSITION] > 0, places, 0)
    return encoded


def _window(kept: NDArray[np.int64], timed: NDArray[np.bool_], length: int) -> NDArray[np.int64]:
    """Choose `length` of the events: the newest timed ones, then a fixed even draw of the others."""
    ordered = kept[timed][-length:]
    loose = kept[~timed]
    draw = np.random.default_rng(len(loose)).permutation(len(loose))[: length - len(ordered)]
    return np.concatenate([loose[np.sort(draw)], ordered])


def collate(encoded: Sequence[NDArray[np.int64]]) -> tuple[Inputs, Tensor]:
    """Pad encoded histories on the right to (B, L) inputs, and point at each one's last event (B, 1)."""
    length = max(1, *(row.shape[1] for row in encoded)) if len(encoded) > 1 else max(1, encoded[0].shape[1])
    inputs = np.zeros((5, len(encoded), length), dtype=np.int64)
    for b, row in enumerate(encoded):
        inputs[:, b, : row.shape[1]] = row
    last = torch.tensor([[max(row.shape[1] - 1, 0)] for row in encoded])
    return as_inputs(inputs), last


def as_inputs(rows: NDArray[np.int64]) -> Inputs:
    """Hand rows (5, B, L) to PyTorch, without a copy."""
    items, feedback, times, gaps, positions = torch.from_numpy(rows)
    return items, feedback, times, gaps, positions


def by_length(lengths: Sequence[int], max_tokens: int) -> Iterator[list[int]]:
    """Group rows of like length, each group at most `max_tokens` with its padding (one row always fits)."""
    group: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        if group and (len(group) + 1) * lengths[row] > max_tokens:
            yield group
            group = []
        group.append(row)
    if group:
        yield group
