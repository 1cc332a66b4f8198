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

BROKER_PATIENCE = 2.0  # seconds for one answer,
WORKER_PATIENCE = 15.0  # where no person waits for it
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 3 * 60 * 60
# Redelivery must wait longer than the longest task may run, or a slow training run is started twice.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 4 * 60 * 60,
    # Else a broker that is frozen, and so refuses nothing, is waited for without end: by uploads, for one.
    # Longer than the second for which a worker asks it for tasks.
    "socket_timeout": BROKER_PATIENCE,
    "socket_connect_timeout": BROKER_PATIENCE,
    "health_check_interval": 10,  # a worker's own check, when a reply is overdue
}
# Once more, as the connection may be of before a restart; each try waits for BROKER_PATIENCE.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # workers wait for it, for ever
# Above it a task of this worker fails with a MemoryError instead of taking the machine down; 0 is no bound.
WORKER_MEMORY_MB = whole_number("WORKER_MEMORY_MB", default=0)
CELERY_TASK_ROUTES = {
    "recommender.tasks.retrain": {"queue": "train"},
    "recommender.tasks.measure_reasons": {"queue": "train"},
    "recommender.tasks.draw_map": {"queue": "train"},
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # LOGGING formats Celery's lines too
CELERY_BEAT_SCHEDULER = "nostrade_site.scheduler.Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 30  # also bounds how long another beat waits for one that crashed
# Wait for a broker that is away, for ever, but not for one answer.
CELERY_REDBEAT_REDIS_OPTIONS = {
    "retry_period": -1,
    "socket_timeout": BROKER_PATIENCE,
    "socket_connect_timeout": BROKER_PATIENCE,
}
CELERY_BEAT_SCHEDULE = schedule.SCHEDULE
