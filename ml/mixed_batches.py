"""Training batches of new people and of old ones replayed beside them (Rolnick et al., 2019)."""

import numpy as np
from numpy.typing import NDArray

from ml.batches import CHUNK, Batches
from ml.config import TrainingConfig
from ml.data import Dataset
from ml.time_bins import TimeBins


class MixedBatches(Batches):
    """Epochs over the people marked as news; in every batch old people take `config.replay_share` or more."""

    def __init__(
        self,
        dataset: Dataset,
        bins: TimeBins,
        config: TrainingConfig,
        neighbours: NDArray[np.int64] | None,
        news: NDArray[np.bool_],
    ) -> None:
        """Mark the news (U,), some people but not all. Raises ValueError otherwise."""
        super().__init__(dataset, bins, config, neighbours)
        self.news, self.old = np.flatnonzero(news), np.flatnonzero(~news)
        if not len(self.news) or not len(self.old):
            raise ValueError("Mixed batches need somebody new and somebody old.")
        self.n_news = max(int(config.batch_size * (1 - config.replay_share)), 1)  # of a batch, at most

    def __len__(self) -> int:
        """Count the batches of an epoch."""
        return -(-len(self.news) // self.n_news)

    def groups(self) -> list[NDArray[np.int64]]:
        """Cut the news into batches and fill each up with old people, of like length in both."""
        news = self.alike(self.rng.permutation(self.news), self.n_news)
        size = max(self.config.batch_size, 2)  # room for one of each
        wanted = len(news) * size - len(self.news)
        rounds = [self.rng.permutation(self.old) for _ in range(-(-wanted // len(self.old)))]
        old = np.concatenate(rounds)[:wanted]
        places = np.cumsum([0, *(size - len(group) for group in news)])
        old = np.concatenate(self.alike(old, size - self.n_news))
        groups = [
            np.concatenate([group, old[start:stop]])
            for group, start, stop in zip(news, places[:-1], places[1:], strict=True)
        ]
        return [groups[i] for i in self.rng.permutation(len(groups))]

    def alike(self, people: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
        """Cut people into groups of a size (the last may be smaller), chunk by chunk in order of length."""
        lengths = np.minimum(self.dataset.lengths, self.config.window)
        chunks = [people[start : start + size * CHUNK] for start in range(0, len(people), size * CHUNK)]
        order = np.concatenate([chunk[np.argsort(lengths[chunk], kind="stable")] for chunk in chunks])
        return [order[start : start + size] for start in range(0, len(order), size)]


def batches_of(
    dataset: Dataset,
    bins: TimeBins,
    config: TrainingConfig,
    neighbours: NDArray[np.int64] | None,
    news: NDArray[np.bool_],
) -> Batches:
    """Make plain batches where everybody is news, mixed ones otherwise."""
    if news.all():
        return Batches(dataset, bins, config, neighbours)
    return MixedBatches(dataset, bins, config, neighbours, news)
