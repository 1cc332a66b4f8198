"""Go on training a checkpoint on what is new, without forgetting what it knows."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ml import cold
from ml.checkpoint import Checkpoint
from ml.config import FINE_TUNING, TrainingConfig
from ml.content import ItemContent
from ml.data import Dataset, joined
from ml.fitting import Surroundings
from ml.item_item import FACTORS
from ml.term_update import updated
from ml.training import ALONE, run


def fine_tune(
    parent: Checkpoint,
    news: Dataset,
    replay: Dataset | None,
    config: TrainingConfig = FINE_TUNING,
    *,
    content: ItemContent | None = None,
    device: str = "auto",
    around: Surroundings = ALONE,
) -> Checkpoint:
    """Go on training `parent` on people with new events, whole histories; return the result, not yet saved.

    `replay` are old people, nobody of `news` among them: they fill at least half of every batch, and an epoch
    is one pass over the news. New titles of both are added first (`with_titles`). Bound the work by
    `max_steps` and `max_seconds`; the same seed gives the same weights, also when the run was killed and goes
    on from the state that `around` keeps. Three things hold the model: the replay, following the parent's own
    ranking (`champion_distillation`), and after each step the share `anchor_strength` of the way back to the
    parent's weights (L2-SP, Li et al., 2018). The sparse part of the item-item term moves towards the news
    (`ml.term_update`); its spectral part and the mix stay the parent's. Raises DataError when the split of
    `config` leaves no news to train on.
    """
    child = with_titles(parent, (*news.id_map.ids, *(replay.id_map.ids if replay else ())), content)
    everybody = (joined(news, replay) if replay else news).reindexed(child.id_map)
    data = replace(everybody, content=content.ordered(child.id_map) if content else None)
    first, last = child.config.time_bins.trained_range(data.timestamps)
    child = replace(child, config=replace(child.config, time_first=first, time_last=last))
    is_news = np.arange(data.n_users) < news.n_users
    trained = run(child, data, config, device, parent.version, around=around, news=is_news)
    learners = config.split.training_people(data)
    counted = [torch.from_numpy(data.people(learners & who).item_counts()) for who in (is_news, ~is_news)]
    term = child.item_item
    if config.term_ridge:
        term = updated(term, data.people(learners & is_news), config.term_ridge, config.term_support)
    return replace(
        trained,
        item_item=term,
        item_counts=popularity(child.item_counts, *counted),
        data=trained.data | {"news": int((learners & is_news).sum())},
    )


def with_titles(parent: Checkpoint, item_ids: tuple[int, ...], content: ItemContent | None) -> Checkpoint:
    """Add titles, each where its content says, or at the average. Scores of old ones stay bit-identical.

    For that, numbers of a new title are rounded to float16 where the parent's came from float16: a table with
    both would be multiplied in another way (`ml.title_table`).
    """
    child = cold.extended(parent, item_ids, content) if content else parent.extended(item_ids)
    table, factors = child.weights["items.weight"], child.item_item.tensors[FACTORS]
    n_old = len(parent.id_map) + 1
    weights = child.weights | {"items.weight": _like_old_rows(table, n_old)}
    term = child.item_item.tensors | {FACTORS: _like_old_rows(factors, n_old)}
    return replace(child, weights=weights, item_item=replace(child.item_item, tensors=term))


def popularity(parent: Tensor, news: Tensor, replay: Tensor) -> Tensor:
    """Return the people per title (N + 1,) of a fine-tuned checkpoint, from those of each source.

    Replayed people were counted when the parent was made, so of a title it knew they count at most as often
    as they did then. Whether the news were counted too nobody knows; the result is never more than if all of
    them were new, nor less than the parent's.
    """
    known = torch.where(parent > 0, torch.minimum(replay, parent), replay)
    return torch.maximum(parent, known + news)


def _like_old_rows(table: Tensor, n_old: int) -> Tensor:
    """Round the rows from `n_old` on to float16 if those before came from float16."""
    old, new = table[:n_old], table[n_old:]
    return torch.cat([old, new.half().float()]) if bool((old.half().float() == old).all()) else table
