"""Old people to replay where there are none: histories that the champion itself finds likely."""

import numpy as np
import torch
from torch import Tensor

from ml.checkpoint import Checkpoint
from ml.data import Dataset
from ml.encoding import FEEDBACK, GAP, ITEM, TIME
from ml.feedback import Feedback
from ml.mixed_score import Encoded, MixedScore
from ml.time_bins import UNKNOWN_BIN

SHORTEST, LONGEST = 10, 60  # titles of a history
MAX_SCORES = 2**20  # held at a time
SAID = {Feedback.LIKE: 0.45, Feedback.LOVE: 0.45, Feedback.WATCHED: 0.1}


@torch.inference_mode()
def sampled_histories(champion: Checkpoint, n_people: int, seed: int) -> Dataset:
    """Sample histories of 10-60 titles (at most half the catalogue) from the champion, as sets without times.

    The first title is drawn by popularity, the others by the champion's own distribution after those drawn
    before: as many a pass as there are already, without replacement (Gumbel top-k, Kool et al., 2019).
    Rehearsing on them instead of on real data is the pseudo-rehearsal of Robins (1995). The same seed gives
    the same people. Raises ValueError for fewer than one person.
    """
    if n_people < 1:
        raise ValueError(f"n_people must be at least 1, not {n_people}.")
    rng = np.random.default_rng(seed)
    chance = torch.Generator().manual_seed(seed)
    n_items = len(champion.id_map)
    wanted = np.minimum(rng.integers(SHORTEST, LONGEST + 1, n_people), max(n_items // 2, 1))
    wanted.sort()  # so that those scored together are of like length
    score = MixedScore(champion)
    size = max(MAX_SCORES // n_items, 1)
    people = [
        person
        for start in range(0, n_people, size)
        for person in _sampled(score, champion, wanted[start : start + size].tolist(), chance)
    ]
    return Dataset(
        champion.id_map,
        np.array([f"sampled-{number}" for number in range(n_people)]),
        np.concatenate([[0], np.cumsum(wanted)]),
        np.concatenate([person[ITEM] for person in people]).astype(np.int32),
        np.concatenate([person[FEEDBACK] for person in people]).astype(np.int8),
        np.full(int(wanted.sum()), np.nan),
    )


def _sampled(
    score: MixedScore, champion: Checkpoint, wanted: list[int], chance: torch.Generator
) -> list[Encoded]:
    """Sample encoded histories of the lengths that are wanted."""
    popularity = (champion.item_counts.double() + 0.5).log().float().repeat(len(wanted), 1)
    firsts = _drawn(popularity, [np.zeros((5, 0), dtype=np.int64)] * len(wanted), 1, chance)
    people = [_events(row, chance) for row in firsts]
    while left := [place for place, n in enumerate(wanted) if people[place].shape[1] < n]:
        known = [people[place] for place in left]
        count = known[0].shape[1]  # as many as each of them has: all that are left are of one length
        for place, row in zip(left, _drawn(score.mixed(known), known, count, chance), strict=True):
            spare = wanted[place] - people[place].shape[1]
            people[place] = np.concatenate([people[place], _events(row[:spare], chance)], axis=1)
    return people


def _drawn(scores: Tensor, known: list[Encoded], count: int, chance: torch.Generator) -> Tensor:
    """Draw titles by the softmax of scores (B, N + 1), none that is known, indices (B, count)."""
    noise = torch.empty_like(scores).exponential_(generator=chance).log_().neg_()
    scores = scores + noise
    scores[:, 0] = -torch.inf
    for row, events in zip(scores, known, strict=True):
        row[events[ITEM]] = -torch.inf
    return scores.topk(min(count, scores.shape[1] - 1)).indices


def _events(titles: Tensor, chance: torch.Generator) -> Encoded:
    """Encode events without a time on titles (T,), with feedback drawn at random, (5, T)."""
    events = np.zeros((5, len(titles)), dtype=np.int64)
    events[ITEM] = titles.numpy()
    said = torch.multinomial(torch.tensor(list(SAID.values())), len(titles), True, generator=chance)
    events[FEEDBACK] = np.array([int(feedback) for feedback in SAID])[said.numpy()]
    events[[TIME, GAP]] = UNKNOWN_BIN
    return events
