"""Every setting of the model and its training, as two frozen dataclasses passed whole."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from ml.splits import Split
from ml.time_bins import FIRST_BIN, Granularity, TimeBins


@dataclass(frozen=True)
class SASRecConfig:
    """The shape of a SASRec; `max_length` is the longest history it reads, in events."""

    n_items: int
    width: int = 128
    n_blocks: int = 2
    n_heads: int = 4
    hidden_ratio: int = 2  # feed-forward width over width
    max_length: int = 512
    dropout: float = 0.2
    time_granularity: Granularity = "quarter"
    time_origin_year: int = 1990
    time_years: int = 60
    time_first: int = FIRST_BIN  # the trained range of time bins; empty when no training event had a time
    time_last: int = FIRST_BIN - 1

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built."""
        if self.width % self.n_heads:
            raise ValueError(f"width {self.width} must be a multiple of n_heads {self.n_heads}.")
        if min(self.n_items, self.n_blocks, self.max_length) < 1:
            raise ValueError("n_items, n_blocks and max_length must be at least 1.")
        if self.time_granularity not in ("month", "quarter", "year"):
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
class TrainingConfig:
    """How to train. Weights say how much a title of each feedback counts as a target."""

    epochs: int = 6
    batch_size: int = 32  # people a step
    window: int = 128  # events a person and epoch; a longer list is sampled anew every epoch
    positions: int = 8  # prefixes a person and epoch at which the loss is taken
    ordered_horizon: int = 5  # in ordered histories, how many next events are targets
    learning_rate: float = 3e-4
    warmup: float = 0.05  # share of the steps
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    love_weight: float = 1.2
    like_weight: float = 1.0
    watched_weight: float = 0.9
    dislike_strength: float = 0.2  # of the term that pushes disliked titles down
    pretended_people: float = 0.3  # share of windows in which a few events are pretended to be dislikes,
    pretended_events: float = 0.05  # how many of the window's events (at least one),
    pretended_kin: int = 50  # and how many of the titles most like each go with it
    anchor_strength: float = 0.0  # pull towards the parent's weights a step (L2-SP), for fine-tuning
    patience: int = 6  # validations without a gain before stopping
    validations: int = 3  # over the whole run
    max_steps: int | None = None
    max_seconds: float | None = None
    seed: int = 0
    split: Split = field(default_factory=Split)


# For a nightly run on what a site logged, with or without the ratings the parent was trained on.
FINE_TUNING = TrainingConfig(
    learning_rate=5e-5, anchor_strength=0.05, max_steps=300, max_seconds=300, split=Split(0.02, 0.0)
)


@dataclass(frozen=True)
class Preset:
    """A named pair of model shape and training settings."""

    model: dict[str, Any]
    training: TrainingConfig


PRESETS = {
    "tiny": Preset(
        {"width": 32, "n_heads": 2, "max_length": 128, "dropout": 0.1},
        TrainingConfig(epochs=2, window=64),
    ),
    "starter": Preset({"width": 192, "n_heads": 4}, TrainingConfig()),
    "full": Preset(
        {"width": 256, "n_heads": 8}, TrainingConfig(epochs=10, batch_size=128, window=256, validations=10)
    ),
}
