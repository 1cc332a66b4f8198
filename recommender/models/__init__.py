"""The registry of model versions, what people were shown, and what each of them asked for."""

from recommender.models.checkpoints import (
    LONGEST_VERDICT,
    Checkpoint,
    CheckpointQuerySet,
    NotServable,
    shortened,
)
from recommender.models.ignored import Ignored, IgnoredQuerySet, carry_over_ignored
from recommender.models.impressions import Impression, ImpressionQuerySet
from recommender.models.maps import Map
from recommender.models.preferences import Preferences, carry_over_preferences, keep_controls, preferences_of
from recommender.models.run_lines import RunLine, tell

__all__ = [
    "LONGEST_VERDICT",
    "Checkpoint",
    "CheckpointQuerySet",
    "Ignored",
    "IgnoredQuerySet",
    "Impression",
    "ImpressionQuerySet",
    "Map",
    "NotServable",
    "Preferences",
    "RunLine",
    "carry_over_ignored",
    "carry_over_preferences",
    "keep_controls",
    "preferences_of",
    "shortened",
    "tell",
]
