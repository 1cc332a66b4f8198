"""Accounts, guests, how long is kept what people sent, and mail."""

from nostrade_site import environment
from nostrade_site.environment import env, flag, rate_per_address, whole_number

AUTH_USER_MODEL = "auth.User"
# The first alone is asked for a password; sessions that began under the names of the others go on.
AUTHENTICATION_BACKENDS = [
    "nostrade_site.accounts.backend.Backend",
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
ACCOUNT_USERNAME_VALIDATORS = "nostrade_site.accounts.names.VALIDATORS"
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Nostrade: "
ACCOUNT_SESSION_REMEMBER = True
# Guests are logged in and must reach these pages all the same; nostrade_site.accounts turns members away.
ACCOUNT_AUTHENTICATED_LOGIN_REDIRECTS = False
# Sign-up, log-in, reset and new addresses answer alike, whoever is registered; mails say the rest.
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_FORMS = {
    "login": "nostrade_site.accounts.forms.LoginForm",
    "reset_password": "nostrade_site.accounts.resetting.ResetPasswordForm",
    "reset_password_from_key": "nostrade_site.accounts.resetting.ResetPasswordKeyForm",
}
# Beside allauth's own limits. A wrong password counts for the network and name it came with, and for the name
# alone, with so many that one network cannot reach it; a browser that is known has its own count. Who
# asks for many resets is sent few mails. Then: how many guests one address may become, and lists upload.
ACCOUNT_RATE_LIMITS = {
    "login_failed": "10/m/ip,5/5m/key,15/h/key",
    "login_failed_anywhere": "100/h/key",
    "login_failed_known": "5/5m/key",
    "reset_password": "20/m/ip",
    "reset_mail": "5/h/key",
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
# How long is kept, as a keyed hash, from which network somebody last said something.
NETWORK_DAYS = whole_number("NETWORK_DAYS", default=90, minimum=1)
# Whether all people share one network, as in a school: then a training run cannot tell crowds by theirs.
ONE_NETWORK = flag("ONE_NETWORK", default=False)
# How large an uploaded list may be, and how long is kept what it said.
LIST_UPLOAD_MB = whole_number("LIST_UPLOAD_MB", default=16, minimum=1)
# What reading a long list may take, in a process of its own.
LIST_READ_SECONDS = whole_number("LIST_READ_SECONDS", default=30, minimum=1)
LIST_READ_MB = whole_number("LIST_READ_MB", default=1024, minimum=256)
LIST_DAYS = whole_number("LIST_DAYS", default=7, minimum=1)

# Mail appears in the log until EMAIL_URL names a server.
vars().update(environment.email(default="consolemail://"))
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Nostrade <nostrade@localhost>")
