"""The site's settings for tests: their own data folder, and nothing slow that no test is about."""

import atexit
import os
import shutil
import tempfile

# Decided before the real settings are read, so that no test ever touches the data of an installation.
# Each pytest process makes a folder and removes it at the end; the processes that a test starts inherit it.
if os.environ.get("NOSTRADE_TEST_DIR_OF") != os.environ.get("PYTEST_XDIST_WORKER", "only"):
    os.environ["NOSTRADE_TEST_DIR_OF"] = os.environ.get("PYTEST_XDIST_WORKER", "only")
    os.environ["NOSTRADE_TEST_DIR"] = tempfile.mkdtemp(prefix="nostrade-test-")
    atexit.register(shutil.rmtree, os.environ["NOSTRADE_TEST_DIR"], ignore_errors=True)
os.environ["NOSTRADE_DATA_DIR"] = os.environ["NOSTRADE_TEST_DIR"]

from nostrade_site.settings import *  # noqa: F403
from nostrade_site.settings import DATA_DIR, DATABASES, STATIC_ROOT, STORAGES

# A file, as installations have: in memory, SQLite's threads would share one connection's locks and not wait.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SITE_URL = "http://testserver"
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
STATIC_ROOT.mkdir(exist_ok=True)  # else WhiteNoise warns at every client
