"""Metrics, errors sent elsewhere, and the log: always to the console, or errors would leave no trace."""

from nostrade_site.environment import choice, dsn, log_level, token

# Who sends it as a bearer token may read /metrics; without it there are none.
METRICS_TOKEN = token("METRICS_TOKEN")
# Where errors are sent to (Sentry, GlitchTip); needs the package sentry-sdk, and nothing else does.
SENTRY_DSN = dsn("SENTRY_DSN")

LOG_FORMAT = choice("LOG_FORMAT", default="plain", among=("plain", "json"))
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
            "formatter": LOG_FORMAT,
        }
    },
    "root": {"handlers": ["console"], "level": log_level("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"level": "INFO", "propagate": True, "handlers": []},
        "faiss": {"level": "WARNING"},  # else it tells at every start which of its builds it loads
    },
}
