"""Matrix factorisation: iALS and BPR. People are folded in, so unseen ones need no training."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.data import Dataset
from ml.encoding import by_length
from ml.history import History
from ml.id_maps import IdMap

INITIAL_SCALE = 0.1  # of a vector's length at the start
BATCH = 4096  # pairs of titles in one training step
MAX_ROWS = 16_384  # observed vectors gathered for one batch of solves


class IALS:
    """Implicit alternating least squares (Hu, Koren and Volinsky, 2008), as Rendle et al. (2021) revisit it.

    Minimises, over people u and titles i with vectors p and q of width `D`,
    sum over observed (1 - p.q)^2 + unobserved * sum over all (p.q)^2 + the squared lengths of the vectors,
    each times regularisation * (its observed count + unobserved * the other side's number). The scaling by
    count is what the revisit found to matter. Each side is solved exactly in turn; an epoch costs
    O(E D^2 + (U + N) D^3).
    """

    def __init__(
        self,
        dataset: Dataset,
        width: int = 128,
        unobserved: float = 0.1,
        regularisation: float = 0.003,
        epochs: int = 5,
        seed: int = 0,
    ) -> None:
        self._id_map = dataset.id_map
        self._unobserved, self._regularisation = unobserved, regularisation
        scale = INITIAL_SCALE / width**0.5
        generator = torch.Generator().manual_seed(seed)
        self.items = scale * torch.randn(dataset.n_items, width, generator=generator)  # (N, D)
        lists = np.split(dataset.items.astype(np.int64) - 1, dataset.offsets[1:-1])
        audiences = _audiences(dataset)
        for _ in range(epochs):
            people = self.solve(lists, self.items)
            self.items = self.solve(audiences, people)

    @property
    def id_map(self) -> IdMap:
        """Return the titles it knows."""
        return self._id_map

    def solve(self, observed: Sequence[NDArray[np.int64]], others: Tensor) -> Tensor:
        """Solve one side's vectors (R, D) exactly, given the `others` (M, D) and whom each row observed."""
        everything = self._unobserved * (others.T @ others)
        eye = torch.eye(others.shape[1])
        padded = torch.cat([others, torch.zeros(1, others.shape[1])])
        solved = torch.zeros(len(observed), others.shape[1])
        lengths = [len(indices) for indices in observed]
        for rows in by_length(lengths, MAX_ROWS):
            seen = padded[_rectangle([observed[row] for row in rows], len(others))]  # (B, L, D)
            counts = torch.tensor([lengths[row] for row in rows]) + self._unobserved * len(others)
            strength = self._regularisation * counts[:, None, None] * eye
            left = torch.linalg.cholesky(everything + seen.mT @ seen + strength)
            solved[rows] = torch.cholesky_solve(seen.sum(1)[..., None], left)[..., 0]
        return solved

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Fold each person in by one solve against the items, (len(histories), N + 1); zero when empty."""
        people = self.solve(_known(histories, self._id_map), self.items)
        return _padded((people @ self.items.T).numpy())


class BPR:
    """Matrix factorisation for Bayesian personalised ranking (Rendle et al., 2009), with an item bias.

    Trained on pairs of an observed and a uniformly drawn title with Adagrad. A person is folded in by the
    same loss: the items stay fixed and the person's vector alone is fitted to `fold_pairs` pairs. That
    problem is convex and its pairs depend on the history only, so equal histories get equal scores.
    """

    def __init__(
        self,
        dataset: Dataset,
        width: int = 64,
        regularisation: float = 0.003,
        epochs: int = 10,
        learning_rate: float = 0.1,
        seed: int = 0,
        fold_pairs: int = 512,
        fold_steps: int = 40,
    ) -> None:
        self._id_map = dataset.id_map
        self._regularisation = regularisation
        self._seed, self._pairs, self._steps = seed, fold_pairs, fold_steps
        generator = torch.Generator().manual_seed(seed)
        start = INITIAL_SCALE * torch.randn(dataset.n_users + dataset.n_items, width, generator=generator)
        people, items = start[: dataset.n_users], start[dataset.n_users :]
        self._weights = [people.clone(), items.clone(), torch.zeros(dataset.n_items)]
        self._train(dataset, epochs, learning_rate, generator)
        self.items, self.bias = self._weights[1].detach(), self._weights[2].detach()  # (N, D), (N,)

    @property
    def id_map(self) -> IdMap:
        """Return the titles it knows."""
        return self._id_map

    def scores(self, histories: Sequence[History]) -> NDArray[np.float32]:
        """Fold each person in, then p.q + bias, (len(histories), N + 1); the bias alone when empty."""
        known = _known(histories, self._id_map)
        people = torch.zeros(len(known), self.items.shape[1])
        filled = [row for row, indices in enumerate(known) if 0 < len(indices) < len(self._id_map)]
        if filled:
            people[filled] = self._fold_in([known[row] for row in filled])
        return _padded((people @ self.items.T + self.bias).numpy())

    def _train(self, dataset: Dataset, epochs: int, learning_rate: float, generator: torch.Generator) -> None:
        """Fit people and items to pairs, `BATCH` at a time."""
        users, seen = torch.from_numpy(dataset.user_of_event), torch.from_numpy(dataset.items - 1).long()
        observed = torch.unique(users * dataset.n_items + seen)  # sorted, to refuse an observed negative
        for weight in self._weights:
            weight.requires_grad_(True)
        optimiser = torch.optim.Adagrad(self._weights, lr=learning_rate)
        for _ in range(epochs):
            for batch in torch.split(torch.randperm(len(users), generator=generator), BATCH):
                drawn = torch.randint(dataset.n_items, (len(batch),), generator=generator)
                pairs = users[batch] * dataset.n_items + drawn
                place = torch.searchsorted(observed, pairs).clamp(max=len(observed) - 1)
                unseen = observed[place] != pairs
                optimiser.zero_grad()
                self._loss(users[batch][unseen], seen[batch][unseen], drawn[unseen]).backward()  # type: ignore[no-untyped-call]
                optimiser.step()

    def _loss(self, users: Tensor, better: Tensor, worse: Tensor) -> Tensor:
        """Return -log sigmoid of the margin with L2 on what took part, averaged over the pairs (P,)."""
        people, items, bias = self._weights
        p, q, r = people[users], items[better], items[worse]
        margin = (p * (q - r)).sum(-1) + bias[better] - bias[worse]
        length = (p**2).sum(-1) + (q**2).sum(-1) + (r**2).sum(-1)
        loss: Tensor = torch.nn.functional.softplus(-margin) + self._regularisation * length
        return loss.mean()

    def _fold_in(self, known: Sequence[NDArray[np.int64]]) -> Tensor:
        """Fit vectors (B, D) for people with the titles `known` by gradient steps, the items fixed."""
        drawn = [self._fold_in_pairs(indices) for indices in known]
        better = torch.from_numpy(np.stack([pair[0] for pair in drawn]))  # (B, P)
        worse = torch.from_numpy(np.stack([pair[1] for pair in drawn]))
        apart = self.items[better] - self.items[worse]  # (B, P, D)
        lead = self.bias[better] - self.bias[worse]
        # The Hessian is at most a quarter of the mean squared difference, plus the penalty: a safe step.
        bound = 0.25 * (apart**2).sum(-1).mean(1, keepdim=True) + 2 * self._regularisation
        people = torch.zeros(len(known), self.items.shape[1])
        for _ in range(self._steps):
            margin = torch.einsum("bd,bpd->bp", people, apart) + lead
            push = torch.einsum("bp,bpd->bd", torch.sigmoid(-margin), apart) / self._pairs
            people = people + (push - 2 * self._regularisation * people) / bound
        return people

    def _fold_in_pairs(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pair a person's titles, each equally often, with others drawn uniformly, (P,) both."""
        rng = np.random.default_rng([self._seed, *np.sort(indices).tolist()])
        others = np.setdiff1d(np.arange(len(self._id_map)), indices)
        return np.resize(np.sort(indices), self._pairs), rng.choice(others, self._pairs)


def _audiences(dataset: Dataset) -> list[NDArray[np.int64]]:
    """List each title's people, for titles 1..N."""
    order = np.argsort(dataset.items, kind="stable")
    ends = np.cumsum(dataset.item_counts()[1:])
    return list(np.split(dataset.user_of_event[order], ends[:-1]))


def _rectangle(observed: Sequence[NDArray[np.int64]], fill: int) -> Tensor:
    """Stack lists of unequal length to (B, L), filled up with `fill`."""
    rectangle = np.full((len(observed), max(map(len, observed))), fill)
    for row, indices in enumerate(observed):
        rectangle[row, : len(indices)] = indices
    return torch.from_numpy(rectangle)


def _known(histories: Sequence[History], id_map: IdMap) -> list[NDArray[np.int64]]:
    """Return each history's known titles once, numbered from 0."""
    indices = (np.unique(id_map.indices_of(history.item_ids)) for history in histories)
    return [row[row > 0] - 1 for row in indices]


def _padded(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Put the padding column in front, (B, N) to (B, N + 1)."""
    return np.pad(scores.astype(np.float32), ((0, 0), (1, 0)), constant_values=-np.inf)
