"""What the site is made of: apps, middleware, templates, static files, uploads."""

from pathlib import Path

import drf_spectacular_sidecar

from nostrade_site.environment import env
from nostrade_site.settings.installation import BASE_DIR, DATA_DIR, DEBUG

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
    "nostrade_site.origin.OriginMiddleware",
    "nostrade_site.bounds.BoundsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "nostrade_site.headers.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",  # outside of GZip: its files are compressed already
    "django.middleware.gzip.GZipMiddleware",  # tokens are masked and lengths padded against BREACH
    "nostrade_site.privacy.PrivatePagesMiddleware",  # outside of what varies by cookie
    "nostrade_site.sessions.SessionMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "recommender.middleware.PreferencesMiddleware",
    "recommender.middleware.TimeZoneMiddleware",
    "nostrade_site.stale_forms.StaleFormMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "nostrade_site.outages.DatabaseOutageMiddleware",
    "nostrade_site.accounts.gone.GoneAccountMiddleware",
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

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"  # of days that are counted; pages write dates in their reader's (recommender.zones)
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = "nostrade_site.formats"

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
# A proxy that serves STATIC_ROOT itself is another user.
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o755
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
