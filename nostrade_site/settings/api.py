"""The REST API: its defaults, limits, document, and the other sites that may call it."""

from nostrade_site.environment import env, rate, whole_number
from nostrade_site.settings.security import ALLAUTH_TRUSTED_PROXY_COUNT

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
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "nostrade_site.negotiation.Negotiation",
    "EXCEPTION_HANDLER": "nostrade_site.problems.handle_exception",
    "DEFAULT_SCHEMA_CLASS": "nostrade_site.openapi.Schema",
    "DEFAULT_METADATA_CLASS": "nostrade_site.metadata.Methods",
    "DEFAULT_THROTTLE_CLASSES": [
        "nostrade_site.throttling.VisitorThrottle",
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
CORS_EXPOSE_HEADERS = ["ETag", "Retry-After", "X-Request-ID"]
