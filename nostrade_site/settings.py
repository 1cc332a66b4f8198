"""All settings, read from the environment; every default suits `make run` on a fresh machine."""

from pathlib import Path

import drf_spectacular_sidecar
from csp.constants import NONE, SELF

from nostrade_site import environment, schedule
from nostrade_site.environment import (
    choice,
    dsn,
    env,
    flag,
    log_level,
    number,
    rate,
    rate_per_address,
    token,
    whole_number,
)

BASE_DIR = Path(__file__).resolve().parent.parent
# Everything this installation writes: database, checkpoints, secret key, broker files.
DATA_DIR = environment.data_dir(default=BASE_DIR / "var")

DEBUG = flag("DEBUG", default=False)
SECRET_KEY = environment.secret_key(DATA_DIR)
# This machine itself may always ask: health checks do.
ALLOWED_HOSTS = [*env.list("ALLOWED_HOSTS", default=[]), "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "nostrade_site",
    "nostrade_site.tokens",
    "recommender",
    "feedback",
    "catalog",
    "allauth",
    "allauth.account",
    "django_htmx",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "corsheaders",
    "csp",
    "nostrade_site.apps.NostradeAdminConfig",
    "import_export",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "nostrade_site.request_ids.RequestIdMiddleware",
    "nostrade_site.metrics.MetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "nostrade_site.headers.PermissionsPolicyMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # tokens are masked and lengths padded against BREACH
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "nostrade_site.privacy.PrivatePagesMiddleware",  # outside of what varies by cookie
    "django.contrib.sessions.middleware.SessionMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "recommender.middleware.PreferencesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "nostrade_site.outages.DatabaseOutageMiddleware",
]

ROOT_URLCONF = "nostrade_site.urls"
WSGI_APPLICATION = "nostrade_site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "nostrade_site.rendering.Templates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "feedback.context_processors.my",
                "recommender.context_processors.ignored",
            ],
        },
    },
]

# --- Database -------------------------------------------------------------------------------------

DATABASES = {"default": environment.database(default=DATA_DIR / "db.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Broker and cache -----------------------------------------------------------------------------

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
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # LOGGING below formats Celery's lines too
CELERY_BEAT_SCHEDULER = "redbeat.RedBeatScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 30  # also bounds how long another beat waits for one that crashed
# Wait for a broker that is away, for ever: a scheduler that keeps ending takes the whole site down with it.
CELERY_REDBEAT_REDIS_OPTIONS = {"retry_period": -1}
CELERY_BEAT_SCHEDULE = schedule.SCHEDULE

# --- People ---------------------------------------------------------------------------------------

AUTH_USER_MODEL = "auth.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_ADAPTER = "nostrade_site.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Nostrade: "
ACCOUNT_SESSION_REMEMBER = True
# Guests are logged in and must reach these pages all the same; nostrade_site.accounts turns members away.
ACCOUNT_AUTHENTICATED_LOGIN_REDIRECTS = False
# Added to allauth's own limits: how many guests one address may become, how many lists it may upload.
ACCOUNT_RATE_LIMITS = {
    "guest": rate_per_address("GUEST_RATE", default="20/h/ip"),
    "list": rate_per_address("LIST_RATE", default="30/h/ip"),
}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "recommender:feed"
GUEST_IDLE_DAYS = whole_number("GUEST_IDLE_DAYS", default=90, minimum=1)
# How long "Not now" hides a title.
NOT_NOW_DAYS = whole_number("NOT_NOW_DAYS", default=30, minimum=1)
# How long the API knows a repeated Idempotency-Key.
RECEIPT_DAYS = whole_number("RECEIPT_DAYS", default=7, minimum=1)
# How large an uploaded list may be, and how long is kept what it said.
LIST_UPLOAD_MB = whole_number("LIST_UPLOAD_MB", default=16, minimum=1)
LIST_DAYS = whole_number("LIST_DAYS", default=7, minimum=1)

# Mail appears in the log until EMAIL_URL names a server.
vars().update(environment.email(default="consolemail://"))
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Nostrade <nostrade@localhost>")

# --- Web ------------------------------------------------------------------------------------------

HOST = env("HOST", default="127.0.0.1")
PORT = whole_number("PORT", default=8000, minimum=1)

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

FILE_UPLOAD_HANDLERS = [
    "feedback.lists.uploads.LargestListHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

STATIC_URL = "static/"
STATIC_ROOT = Path(env("STATIC_ROOT", default=str(DATA_DIR / "static")))
SWAGGER_UI = Path(drf_spectacular_sidecar.__file__).parent / "static/drf_spectacular_sidecar/swagger-ui-dist"
# Only this of the sidecar: as an app it would bring Redoc along, which nothing here uses.
STATICFILES_DIRS = [BASE_DIR / "static", ("swagger", SWAGGER_UI)]
STATICFILES_FINDERS = [
    "nostrade_site.static_files.UsedFilesFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# HTTPS=1 behind a proxy that speaks TLS; BEHIND_PROXY=1 trusts the scheme which that proxy reports.
HTTPS = flag("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked from inside, past the proxy
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
BEHIND_PROXY = flag("BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
# Without it every visitor would share the proxy's address, and with it the limits.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if BEHIND_PROXY else 0
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 180
X_FRAME_OPTIONS = "DENY"
# What browsers offer and no page of ours uses (Permissions-Policy).
UNUSED_FEATURES = (
    "accelerometer", "autoplay", "camera", "display-capture", "geolocation", "gyroscope", "hid",
    "magnetometer", "microphone", "midi", "payment", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip

# Hosts that poster images may come from; none by default: posters are then drawn by ourselves.
POSTER_HOSTS = env.list("POSTER_HOSTS", default=[])
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", *POSTER_HOSTS],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

# How large a request to the API may be; a view that takes more says so itself.
API_BODY_MB = whole_number("API_BODY_MB", default=1, minimum=1)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "nostrade_site.tokens.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["nostrade_site.parsers.BoundedJSONParser"],
    "EXCEPTION_HANDLER": "nostrade_site.problems.handle_exception",
    "DEFAULT_SCHEMA_CLASS": "nostrade_site.openapi.Schema",
    "DEFAULT_METADATA_CLASS": "nostrade_site.metadata.Methods",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "nostrade_site.throttling.ScopeThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": rate("API_ANON_RATE", default="60/min"),
        "read": rate("API_READ_RATE", default="600/min"),
        "write": rate("API_WRITE_RATE", default="300/min"),
        "score": rate("API_SCORE_RATE", default="30/min"),
    },
    # Else a caller chooses by X-Forwarded-For whose limit is used up.
    "NUM_PROXIES": ALLAUTH_TRUSTED_PROXY_COUNT,
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Nostrade API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "TAGS": [
        {"name": "recommendations", "description": "What to watch next, and why."},
        {"name": "events", "description": "Reactions: dislike, like, love."},
        {"name": "saved", "description": "Titles kept for later."},
        {"name": "dismissals", "description": "Titles hidden without an opinion."},
        {"name": "items", "description": "The catalogue."},
        {"name": "score", "description": "Rankings for histories that are nobody's here."},
        {"name": "me", "description": "Who is acting, and what is stored about them."},
        {"name": "checkpoints", "description": "The models that serve and served."},
    ],
    "COMPONENT_SPLIT_REQUEST": True,  # what is sent and what is answered differ
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}
# Sites whose pages may use the API, with a token: cookies are never sent along.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/v1/"
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "idempotency-key", "if-none-match"]
CORS_EXPOSE_HEADERS = ["ETag", "Retry-After"]

# --- Recommender ----------------------------------------------------------------------------------

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

# --- Metrics and errors ---------------------------------------------------------------------------

# Who sends it as a bearer token may read /metrics; without it there are none.
METRICS_TOKEN = token("METRICS_TOKEN")
# Where errors are sent to (Sentry, GlitchTip); needs the package sentry-sdk, and nothing else does.
SENTRY_DSN = dsn("SENTRY_DSN")

# --- Logging: always to the console, or errors would leave no trace ---------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "nostrade_site.logs.RequestIdFilter"}},
    "formatters": {
        "plain": {
            "()": "nostrade_site.logs.PlainFormatter",
            "format": "%(levelname)s %(name)s [%(request_id)s]: %(message)s",
        },
        "json": {"()": "nostrade_site.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["request_id"],
            "formatter": choice("LOG_FORMAT", default="plain", among=("plain", "json")),
        }
    },
    "root": {"handlers": ["console"], "level": log_level("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"level": "INFO", "propagate": True, "handlers": []},
        "faiss": {"level": "WARNING"},  # else it tells at every start which of its builds it loads
    },
}
