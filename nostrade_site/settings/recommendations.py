"""Checkpoints, training runs, and how long is kept what people were shown."""

from pathlib import Path

from nostrade_site import environment
from nostrade_site.environment import env, number, whole_number
from nostrade_site.settings.installation import BASE_DIR, DATA_DIR

CHECKPOINT_DIR = Path(env("CHECKPOINT_DIR", default=str(DATA_DIR / "checkpoints")))
# Where hosts exchange checkpoints, if they do; each keeps those it serves in CHECKPOINT_DIR.
CHECKPOINT_STORAGE = environment.storage_url("CHECKPOINT_STORAGE")
STARTER_CHECKPOINT = BASE_DIR / "ml" / "starter"
STARTER_CATALOGUE = BASE_DIR / "catalog" / "starter" / "items.csv.xz"
# How often a web process asks which checkpoint is active.
CHECKPOINT_POLL_SECONDS = number("CHECKPOINT_POLL_SECONDS", default=2.0, minimum=0.1)
# How long is kept what people were shown.
IMPRESSION_DAYS = whole_number("IMPRESSION_DAYS", default=180, minimum=1)
# Optional bootstrap ratings (Kaggle's rating.csv), replayed when fine-tuning.
RATINGS_CSV = env("RATINGS_CSV", default="")
# A run begins every night, and whenever this many events have come since the last one.
RETRAIN_AFTER_EVENTS = whole_number("RETRAIN_AFTER_EVENTS", default=1000, minimum=1)
# How many checkpoints that never served are kept, to be looked at.
KEEP_CHECKPOINTS = whole_number("KEEP_CHECKPOINTS", default=5, minimum=1)
