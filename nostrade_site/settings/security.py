"""Who is let in and by which way, and what browsers are told: hosts, HTTPS, proxies, cookies, headers."""

from csp.constants import NONE, SELF

from nostrade_site import environment
from nostrade_site.environment import env, flag
from nostrade_site.settings.installation import DATA_DIR, PORT

SECRET_KEY = environment.secret_key(DATA_DIR)
# This machine itself may always ask: health checks do.
ALLOWED_HOSTS = [*environment.hosts("ALLOWED_HOSTS"), *environment.LOCAL_NAMES]
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# HTTPS=1 behind a proxy that speaks TLS; BEHIND_PROXY=1 trusts the scheme which that proxy reports.
HTTPS = flag("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked from inside, past the proxy
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# What links in mails and answers begin with; never what a request calls the site.
SITE_URL = environment.origin("SITE_URL", hosts=ALLOWED_HOSTS, port=PORT, https=HTTPS)
IS_PUBLIC = environment.host_of(SITE_URL) not in environment.LOCAL_NAMES
if IS_PUBLIC:
    ALLOWED_HOSTS.insert(0, environment.host_of(SITE_URL))
# Where people reach the site by a name, this machine's names are for probes alone.
PROBE_NAMES = environment.LOCAL_NAMES if IS_PUBLIC else ()
BEHIND_PROXY = flag("BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
# Without it every visitor would share the proxy's address, and with it the limits.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if BEHIND_PROXY else 0
SECURE_REFERRER_POLICY = "same-origin"
CSRF_FAILURE_VIEW = "nostrade_site.stale_forms.csrf_failure"
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
