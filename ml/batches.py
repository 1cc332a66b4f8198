"""Training batches: reshuffled sets, ordered tails, windows and the targets after each position."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.config import TrainingConfig
from ml.data import Dataset
from ml.encoding import FEEDBACK, GAP, ITEM, POSITION, TIME, Inputs, as_inputs
from ml.feedback import Feedback
from ml.shares import WHOLE, Share
from ml.time_bins import TimeBins, gap_bins

CHUNK = 16  # batches sorted by length together, against padding


@dataclass(frozen=True)
class Batch:
    """B windows of L events, P positions each, and the T titles of the whole lists they come from."""

    inputs: Inputs  # items, feedback, times, gaps, positions, each (B, L)
    at: Tensor  # (B, P)
    columns: Tensor  # (B, T), every title of the list, 0 where it is shorter
    ranks: Tensor  # (B, T), place of each title counted from the window's start, negative before it
    weights: Tensor  # (B, T), target weight of each title; negative for a dislike, 0 for padding
    first_ordered: Tensor  # (B,), rank of the first event whose order is known
    n_tokens: int
    share: Share = WHOLE  # which rows these are, where several processes train

    def targets(self, horizon: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return target weights, dislike weights and what was seen, each (B, P, T).

        After a position inside a set every title still to come is a target; where the next event is ordered,
        the next `horizon` events are.
        """
        at, ranks, weights = self.at[:, :, None], self.ranks[:, None, :], self.weights[:, None, :]
        ordered = at + 1 >= self.first_ordered[:, None, None]
        coming = (ranks > at) & (~ordered | (ranks <= at + horizon))
        return weights.clamp_min(0) * coming, (-weights).clamp_min(0) * coming, ranks <= at

    @property
    def is_ordered(self) -> bool:
        """Tell whether the event after every position is ordered, so that one event at most is the next."""
        return bool((self.at.min(1).values + 1 >= self.first_ordered).all())

    def next_titles(self) -> Tensor:
        """Return the title right after each position, (B, P); 0 where there is none that may be a target."""
        places = self.at + 1 - self.ranks[:, :1]
        inside = places < self.columns.shape[1]
        wanted = (self.columns * (self.weights > 0)).gather(1, places * inside)
        return wanted * inside

    def to(self, device: torch.device) -> "Batch":
        """Move the tensors."""
        items, feedback, times, gaps, positions = (tensor.to(device) for tensor in self.inputs)
        rest = (self.at, self.columns, self.ranks, self.weights, self.first_ordered)
        at, columns, ranks, weights, first = (tensor.to(device) for tensor in rest)
        inputs = items, feedback, times, gaps, positions
        return Batch(inputs, at, columns, ranks, weights, first, self.n_tokens, self.share)

    def part(self, share: Share) -> "Batch":
        """Keep the rows of a share, as long as they lie: what is drawn for them has the batch's shape."""
        items, feedback, times, gaps, positions = (share.own(tensor) for tensor in self.inputs)
        tables = {field.name: getattr(self, field.name) for field in fields(self)}
        own = {name: share.own(table) for name, table in tables.items() if isinstance(table, Tensor)}
        inputs, n_tokens = (items, feedback, times, gaps, positions), int((items > 0).sum())
        return replace(self, inputs=inputs, n_tokens=n_tokens, share=share, **own)


class Batches:
    """One epoch after another of a dataset's people."""

    def __init__(
        self,
        dataset: Dataset,
        bins: TimeBins,
        config: TrainingConfig,
        neighbours: NDArray[np.int64] | None = None,
    ) -> None:
        self.dataset, self.config = dataset, config
        self.neighbours = neighbours  # (N + 1, K) indices of like titles, for pretended dislikes
        self.times = bins.bins_of(dataset.timestamps).astype(np.int16)  # every process has its own, so small
        self.gaps = gap_bins(dataset.timestamps, dataset.offsets).astype(np.int8)
        self.timed = np.isfinite(dataset.timestamps)
        self.rng = np.random.default_rng(config.seed)
        self.began = self.rng.bit_generator.state  # when the groups of this epoch were drawn
        self.left: list[NDArray[np.int64]] = []  # groups of people that this epoch has yet to yield
        weight_of = np.zeros(len(Feedback), dtype=np.float32)
        weight_of[[Feedback.LIKE, Feedback.LOVE, Feedback.WATCHED, Feedback.DISLIKE]] = (
            config.like_weight,
            config.love_weight,
            config.watched_weight,
            -1.0,
        )
        self.weights = weight_of[dataset.feedback]

    def __len__(self) -> int:
        """Count the batches of an epoch."""
        return -(-self.dataset.n_users // self.config.batch_size)

    def endless(self) -> Iterator[Batch]:
        """Repeat epochs for ever."""
        while True:
            yield from self.epoch()

    def epoch(self) -> Iterator[Batch]:
        """Yield every person once, people of like length together; or whom a stopped epoch left."""
        if not self.left:
            self.began, self.left = self.rng.bit_generator.state, self.groups()
        while self.left:
            yield self.batch(self.left.pop(0))

    def state(self) -> dict[str, Any]:
        """Say where the epochs stand, as JSON."""
        return {"began": self.began, "left": len(self.left), "now": self.rng.bit_generator.state}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on, draw by draw, where `state` was taken."""
        self.began = self.rng.bit_generator.state = state["began"]
        groups = self.groups()
        self.left = groups[len(groups) - state["left"] :]
        self.rng.bit_generator.state = state["now"]

    def groups(self) -> list[NDArray[np.int64]]:
        """Draw the order of the people and cut it into batches."""
        size = self.config.batch_size
        order = self.rng.permutation(self.dataset.n_users)
        lengths = np.minimum(self.dataset.lengths, self.config.window)
        groups = []
        for start in range(0, len(order), size * CHUNK):
            chunk = order[start : start + size * CHUNK]
            chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
            groups += [chunk[i : i + size] for i in range(0, len(chunk), size)]
        return [groups[i] for i in self.rng.permutation(len(groups))]

    def batch(self, users: NDArray[np.int64]) -> Batch:
        """Draw a window of each person and lay the windows side by side."""
        B, T = len(users), int(self.dataset.lengths[users].max())
        L = min(T, self.config.window)
        P = self.config.positions or L
        inputs = np.zeros((5, B, L), dtype=np.int64)
        at = np.zeros((B, P), dtype=np.int64)
        columns = np.zeros((B, T), dtype=np.int64)
        ranks = np.zeros((B, T), dtype=np.int64)
        weights = np.zeros((B, T), dtype=np.float32)
        first_ordered = np.full(B, T, dtype=np.int64)
        for b, user in enumerate(users):
            events, n_loose = self.arrange(int(user))
            start = self.window_start(len(events), n_loose)
            window = events[start : start + L]
            n = len(window)
            inputs[ITEM, b, :n] = self.dataset.items[window]
            inputs[FEEDBACK, b, :n] = self.dataset.feedback[window]
            inputs[TIME, b, :n] = self.times[window]
            inputs[GAP, b, :n] = self.gaps[window]
            inputs[POSITION, b, :n] = np.where(self.timed[window], np.arange(1, n + 1), 0)
            columns[b, : len(events)] = self.dataset.items[events]
            ranks[b] = np.arange(T) - start
            weights[b, : len(events)] = self.weights[events]
            if self.neighbours is not None and self.rng.random() < self.config.pretended_people:
                self.pretend(inputs[:, b, :n], columns[b], weights[b], self.neighbours)
            at[b] = self.choose_positions(min(n, len(events) - start - 1), L)
            if n_loose < len(events):
                first_ordered[b] = max(n_loose - start, 0)
        return Batch(
            as_inputs(inputs),
            torch.from_numpy(at),
            torch.from_numpy(columns),
            torch.from_numpy(ranks),
            torch.from_numpy(weights),
            torch.from_numpy(first_ordered),
            n_tokens=int((inputs[ITEM] > 0).sum()),
        )

    def pretend(
        self,
        window: NDArray[np.int64],
        columns: NDArray[np.int64],
        weights: NDArray[np.float32],
        neighbours: NDArray[np.int64],
    ) -> None:
        """Turn a few events of a window (5, n) into dislikes, and with them every like title of the list.

        Lists hold what people chose to watch: in them even a dislike is a sign of liking its kind. Somebody
        who says "not this" to a card means its kind, and real lists cannot teach that.
        """
        n = window.shape[1]
        count = max(1, round(self.config.pretended_events * n))
        flipped = self.rng.choice(n, count, replace=False)
        window[FEEDBACK, flipped] = Feedback.DISLIKE
        kind = np.concatenate([neighbours[window[ITEM, flipped]].ravel(), window[ITEM, flipped]])
        weights[np.isin(columns, kind) & (columns > 0)] = -1.0

    def arrange(self, user: int) -> tuple[NDArray[np.int64], int]:
        """Return a person's events, those without a time reshuffled and first, and how many these are."""
        events = np.arange(self.dataset.offsets[user], self.dataset.offsets[user + 1])
        n_loose = int((~self.timed[events]).sum())
        events[:n_loose] = self.rng.permutation(events[:n_loose])
        return events, n_loose

    def window_start(self, n_events: int, n_loose: int) -> int:
        """Start a window: anywhere in an ordered list, at the front of a reshuffled set."""
        spare = n_events - self.config.window
        return int(self.rng.integers(0, spare + 1)) if spare > 0 and n_loose < n_events else 0

    def choose_positions(self, n: int, length: int) -> NDArray[np.int64]:
        """Draw positions among the first n: half evenly, half log-uniformly towards short prefixes.

        Or return all `length` of the window; behind those with something to come they have no target.
        """
        P = self.config.positions
        if not P:
            return np.arange(length)
        n = max(n, 1)
        uniform = self.rng.random(P)
        short = np.floor((n + 1) ** uniform) - 1
        even = np.floor(uniform * n)
        chosen = np.where(np.arange(P) % 2 == 0, even, short)
        return np.minimum(chosen, n - 1).astype(np.int64)
