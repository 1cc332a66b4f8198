"""The broker, the cache beside it, and Celery."""

from nostrade_site import environment, schedule
from nostrade_site.environment import whole_number
from nostrade_site.settings.installation import DATA_DIR, DEBUG

REDIS_URL = environment.redis_url()
if REDIS_URL:
    EMBEDDED_BROKER_SOCKET = None
    CELERY_BROKER_URL = CELERY_REDBEAT_REDIS_URL = REDIS_URL
    CACHE_URL = environment.next_database(REDIS_URL)
else:
    EMBEDDED_BROKER_SOCKET = environment.embedded_socket(DATA_DIR)
    CELERY_BROKER_URL = f"redis+socket://{EMBEDDED_BROKER_SOCKET}?virtual_host=0"
    CELERY_REDBEAT_REDIS_URL = f"unix://{EMBEDDED_BROKER_SOCKET}?db=0"
    # One supervisor, one beat: a lock that outlives a crash would only delay the next start.
    CELERY_REDBEAT_LOCK_KEY = None
    CACHE_URL = f"unix://{EMBEDDED_BROKER_SOCKET}?db=1"

REDIS_CACHE = {
    "BACKEND": "nostrade_site.cache.OutageProofCache",
    "LOCATION": CACHE_URL,
    "KEY_PREFIX": "nostrade",
    "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},  # a page must not wait longer than that
}
# `manage.py runserver` is one process, and works without a broker beside it.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"} if DEBUG else REDIS_CACHE}

CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 3 * 60 * 60
# Redelivery must wait longer than the longest task may run, or a slow training run is started twice.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 4 * 60 * 60}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Above it a task of this worker fails with a MemoryError instead of taking the machine down; 0 is no bound.
WORKER_MEMORY_MB = whole_number("WORKER_MEMORY_MB", default=0)
CELERY_TASK_ROUTES = {
    "recommender.tasks.retrain": {"queue": "train"},
    "recommender.tasks.measure_reasons": {"queue": "train"},
    "recommender.tasks.draw_map": {"queue": "train"},
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # LOGGING formats Celery's lines too
CELERY_BEAT_SCHEDULER = "redbeat.RedBeatScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 30  # also bounds how long another beat waits for one that crashed
# Wait for a broker that is away, for ever: a scheduler that keeps ending takes the whole site down with it.
CELERY_REDBEAT_REDIS_OPTIONS = {"retry_period": -1}
CELERY_BEAT_SCHEDULE = schedule.SCHEDULE
