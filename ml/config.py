"""Every setting of the model and its training, as two frozen dataclasses passed whole."""

from dataclasses import asdict, astuple, dataclass, field, fields, replace
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from ml.splits import Split
from ml.time_bins import FIRST_BIN, MONTHS_PER_BIN, Granularity, TimeBins

Loss = Literal["softmax", "sampled_softmax", "bce", "bpr", "gbce"]
CONTEXT = ("feedback", "time", "gap", "position")
# Far beyond what helps, and small enough that a config somebody made up cannot fill the memory.
LARGEST = {
    "width": 4096,
    "n_blocks": 64,
    "n_heads": 64,
    "hidden_ratio": 16,
    "max_length": 65_536,
    "time_years": 1000,
}


@dataclass(frozen=True)
class SASRecConfig:
    """The shape of a SASRec; `max_length` is the longest history it reads, in events.

    `context` names what the model is told of an event beside its title: the feedback, when it was, the time
    since the event before, its place in the order. Leave one out for an ablation.
    """

    n_items: int
    width: int = 128
    n_blocks: int = 2
    n_heads: int = 4
    hidden_ratio: int = 2  # feed-forward width over width
    max_length: int = 512
    dropout: float = 0.2
    context: tuple[str, ...] = CONTEXT
    time_granularity: Granularity = "quarter"
    time_origin_year: int = 1990
    time_years: int = 60
    time_first: int = FIRST_BIN  # the trained range of time bins; empty when no training event had a time
    time_last: int = FIRST_BIN - 1

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built; JSON's list of contexts becomes a tuple."""
        strangers = sorted(set(self.context) - set(CONTEXT))
        if strangers:
            raise ValueError(f"context must be some of {', '.join(CONTEXT)}; not {', '.join(strangers)}.")
        object.__setattr__(self, "context", tuple(name for name in CONTEXT if name in self.context))
        for name, most in LARGEST.items():
            if type(size := getattr(self, name)) is not int or not 1 <= size <= most:
                raise ValueError(f"{name} must be a whole number from 1 to {most}, not {size!r}.")
        if type(self.n_items) is not int or self.n_items < 1:
            raise ValueError(f"n_items must be a whole number of at least 1, not {self.n_items!r}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be from 0 to below 1, not {self.dropout}.")
        if self.width % self.n_heads:
            raise ValueError(f"width {self.width} must be a multiple of n_heads {self.n_heads}.")
        if self.time_granularity not in MONTHS_PER_BIN:
            raise ValueError("time_granularity must be month, quarter or year.")

    @property
    def time_bins(self) -> TimeBins:
        """Return the calendar of this model."""
        return TimeBins(
            self.time_granularity, self.time_origin_year, self.time_years, self.time_first, self.time_last
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Make a config from JSON. Raises ValueError for a name that is missing or unknown."""
        names = {f.name for f in fields(cls)}
        if set(values) != names:
            raise ValueError(f"config names differ: {sorted(set(values) ^ names)}.")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class ItemItemConfig:
    """The item-item term: closed forms for long and for short lists, and what an event counts by feedback."""

    neighbours: int = 400  # weights kept towards each title by the sparse part,
    dropout: float = 0.3  # which pretends not to know this share of a list,
    l2: float = 50.0  # needs as many people to believe a weight,
    content: float = 100.0  # and takes equal content for as many people in common
    rank: int = 256  # factors of the spectral part,
    noise: float = 40.0  # whose dropout p is noise / (1 + noise), near one: made for short lists
    shrinkage: float = 10.0  # people added to every title's count there
    dislike: float = -0.5
    like: float = 1.0
    love: float = 1.25
    watched: float = 1.0


@dataclass(frozen=True)
class Mix:
    """What each part of the score counts, by a history's coherence; straight lines between.

    score = sasrec * logit + sparse * x B_sparse + spectral * x B_spectral. The coherence is how much the
    titles of a history say of one another (`ml.item_item.coherence`): little for a few titles out of a long
    list, much for a whole list, however short. Outside of `coherence` the nearest counts. The defaults are
    what `ml.mixing` found for the starter's recipe on its validation people; they serve where no validation
    people are set aside.
    """

    coherence: tuple[float, ...] = (0.0, 0.02357, 0.0837, 0.1865, 0.329)
    sasrec: tuple[float, ...] = (0.5378, 0.395, 0.3038, 0.277, 0.1071)
    sparse: tuple[float, ...] = (1.293, 5.035, 8.931, 8.959, 7.276)
    spectral: tuple[float, ...] = (162.5, 78.57, 18.55, 4.022, 0.258)

    def __post_init__(self) -> None:
        """Refuse weights that do not line up or coherences that do not rise; JSON's lists become tuples."""
        for part in fields(self):
            object.__setattr__(self, part.name, tuple(getattr(self, part.name)))
        if len({len(column) for column in astuple(self)}) != 1 or not self.coherence:
            raise ValueError("a mix needs one weight of each part for each coherence.")
        if sorted(set(self.coherence)) != list(self.coherence):
            raise ValueError("the coherences of a mix must rise.")
        if not np.isfinite(np.array(astuple(self), dtype=float)).all():
            raise ValueError("the weights of a mix must be finite.")

    def at(self, coherence: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the weights for histories of this coherence, (B,) to (3, B): sasrec, sparse, spectral."""
        parts = (self.sasrec, self.sparse, self.spectral)
        return np.array([np.interp(coherence, self.coherence, part) for part in parts], dtype=np.float32)

    def without_sasrec(self) -> Self:
        """Return the mix of the item-item term alone."""
        return replace(self, sasrec=(0.0,) * len(self.coherence))


SASREC_ALONE = Mix((0.0,), (1.0,), (0.0,), (0.0,))


@dataclass(frozen=True)
class TrainingConfig:
    """How to train. Weights say how much a title of each feedback counts as a target."""

    epochs: int = 6
    batch_size: int = 32  # people a step
    window: int = 128  # events a person and epoch; a longer list is sampled anew every epoch
    positions: int = 8  # prefixes a person and epoch at which the loss is taken; 0 = every one
    ordered_horizon: int = 5  # in ordered histories, how many next events are targets
    learning_rate: float = 3e-4
    warmup: float = 0.05  # share of the steps
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    love_weight: float = 1.2
    like_weight: float = 1.0
    watched_weight: float = 0.9
    dislike_gate: float = -0.5  # how a disliked title counts before training: turned around, by half
    dislike_strength: float = 0.2  # of the term that pushes disliked titles down
    loss: Loss = "softmax"  # over all titles; the others meet only a few of them as negatives:
    negatives: int = 256  # how many titles are drawn a step, the same for everybody in the batch,
    negative_popularity: float = 0.0  # by this power of their number of people; 0 draws all alike,
    negatives_per_target: int = 256  # and for how many the average of them counts against a target in a BCE
    calibration: float = 0.75  # of gBCE: 0 is BCE, 1 learns probabilities as if nothing were drawn
    distillation: float = 0.0  # share of the softmax loss that follows the item-item term and not the lists
    champion_distillation: float = 0.0  # share of the softmax loss that follows the model training began with
    replay_share: float = 0.5  # of the people of a batch, at least, where old ones are replayed
    pretended_people: float = 0.3  # share of windows in which a few events are pretended to be dislikes,
    pretended_events: float = 0.05  # how many of the window's events (at least one),
    pretended_kin: int = 50  # and how many of the titles most like each go with it
    term_ridge: float = 0.0  # people whose word the item-item term weighs against new ones; 0 leaves it alone
    term_support: int = 1  # people who must have spoken of both titles for a weight to change
    anchor_strength: float = 0.0  # pull towards the parent's weights a step (L2-SP), for fine-tuning
    patience: int = 6  # validations without a gain before stopping
    validations: int = 3  # over the whole run
    max_steps: int | None = None
    max_seconds: float | None = None
    bf16: bool = False  # matrix products in bfloat16, all else in float32; see docs/benchmarks.md
    seed: int = 0
    split: Split = field(default_factory=Split)
    item_item: ItemItemConfig = field(default_factory=ItemItemConfig)
    mix: Mix = field(default_factory=Mix)  # only where there are no validation people to find one on

    def __post_init__(self) -> None:
        """Refuse a loss that there is not."""
        if self.loss not in get_args(Loss):
            raise ValueError(f"loss must be one of {', '.join(get_args(Loss))}; not {self.loss}.")
        if min(self.negatives, self.negatives_per_target) < 1 or not 0 <= self.calibration <= 1:
            raise ValueError(
                "negatives and negatives_per_target must be at least 1, calibration between 0 and 1."
            )
        if not 0 <= self.distillation <= 1 or (self.distillation and self.loss != "softmax"):
            raise ValueError("distillation must be between 0 and 1, and 0 with another loss than softmax.")
        if not 0 <= self.champion_distillation <= 1 or (
            self.champion_distillation and self.loss != "softmax"
        ):
            raise ValueError(
                "champion_distillation must be between 0 and 1, and 0 with another loss than softmax."
            )
        if not 0.5 <= self.replay_share < 1:
            raise ValueError(
                "replay_share must be at least 0.5, so that old people are not forgotten, and less than 1."
            )


# For a nightly run on what a site logged, beside old people. An epoch is a pass over the news, so that few
# people mean few steps: a handful of clicks is over before it has moved anything, with nothing to set.
FINE_TUNING = TrainingConfig(
    epochs=4,
    learning_rate=3e-4,
    champion_distillation=0.5,
    term_ridge=60.0,
    term_support=3,  # more than all newcomers of a small site count (`recommender.trust`)
    max_steps=2_000,
    max_seconds=45 * 60,
    split=Split(0.02, 0.0),
)


@dataclass(frozen=True)
class Preset:
    """A named pair of model shape and training settings."""

    model: dict[str, Any]
    training: TrainingConfig


PRESETS = {
    "tiny": Preset(
        {"width": 32, "n_heads": 2, "max_length": 128, "dropout": 0.1},
        TrainingConfig(epochs=2, window=64, item_item=ItemItemConfig(neighbours=50, rank=64)),
    ),
    "starter": Preset(
        {"width": 192, "n_heads": 4}, TrainingConfig(epochs=9, learning_rate=5e-4, distillation=0.5)
    ),
    # For lists with times: the newest events count most, and every event predicts the next. Lists of some
    # hundred people are learned in a few epochs, so it validates after each.
    "ordered": Preset(
        {"width": 128, "max_length": 64, "time_granularity": "month"},
        TrainingConfig(
            epochs=5,
            window=64,
            positions=0,
            ordered_horizon=1,
            learning_rate=1e-3,
            love_weight=1.0,
            watched_weight=1.0,
            dislike_gate=1.0,  # what comes next is often of a kind somebody rates low, so let the data say
            dislike_strength=0.0,
            pretended_people=0.0,
            validations=5,
        ),
    ),
    "full": Preset(
        {"width": 256, "n_heads": 8},
        TrainingConfig(epochs=10, batch_size=128, window=256, validations=10, distillation=0.5),
    ),
}
