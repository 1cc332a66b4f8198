"""Where this installation lies, where it listens, and which database it has."""

import os
from pathlib import Path

from nostrade_site import environment
from nostrade_site.environment import flag, whole_number

BASE_DIR = Path(__file__).resolve().parents[2]
# For its owner alone, whatever writes it and whichever umask that was started with.
os.umask(0o077)
# Everything this installation writes: database, checkpoints, secret key, broker files.
DATA_DIR = environment.data_dir(default=BASE_DIR / "var")

DEBUG = flag("DEBUG", default=False)

HOST = environment.address("HOST", default="127.0.0.1")
PORT = whole_number("PORT", default=8000, minimum=1)

DATABASES = {"default": environment.database(default=DATA_DIR / "db.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
