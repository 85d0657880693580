"""Django's settings, all derived from ours (`privata.infra.settings`)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from privata.dashboard import applications
from privata.dashboard.database import current_url
from privata.infra.database.for_django import pages_database
from privata.infra.sealing import derive
from privata.infra.settings import settings

_privata = settings()
_keys = [derive(key, "django").hex() for key in _privata.key_material()]
_https = _privata.base_url.startswith("https://")
_rooms = Path(__file__).resolve().parent.parent

#: Where the pages of `privata.docs` find the OpenAPI document: a function of the base address.
API_DOCUMENT = "privata.api.openapi.document"

DEBUG = False
SECRET_KEY = _keys[0]
SECRET_KEY_FALLBACKS = _keys[1:]
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", urlsplit(_privata.base_url).hostname or ""]
ROOT_URLCONF = "privata.dashboard.urls"
DATABASES = {"default": pages_database(current_url(), _privata.pages_pool_size)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LOGGING_CONFIG = None  # privata.infra.telemetry sets logging up for the whole program

INSTALLED_APPS = applications.INSTALLED

MIDDLEWARE = [
    "privata.dashboard.connections.connections_go_back",
    "django.middleware.security.SecurityMiddleware",
    "privata.dashboard.middleware.content_security_policy",
    "privata.dashboard.readable.readable",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "privata.dashboard.head_requests.head_takes_nothing",
    "privata.accounts.middleware.session_client",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "privata.accounts.middleware.busy_hashing",
]

# Jinja2 templates, each in its room.
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "NAME": "privata",
        "DIRS": [
            folder for room in sorted(_rooms.iterdir()) if (folder := room / "templates").is_dir()
        ],
        "APP_DIRS": False,
        "OPTIONS": {
            "environment": "privata.ui.jinja.environment",
            "context_processors": ["privata.dashboard.context.shell"],
        },
    },
]

# Accounts: Django checks passwords, the rest is privata.accounts (docs/accounts.md).
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "privata.accounts.hashers.PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("MinimumLengthValidator", {"min_length": 12}),
        ("CommonPasswordValidator", {}),
        ("UserAttributeSimilarityValidator", {"user_attributes": ("email",)}),
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

# Sessions and cookies (docs/accounts.md): a cookie may live 30 days, the session ends after 8
# hours without a request (accounts.session_backend). Names carry __Host- where the site is https.
SESSION_ENGINE = "privata.accounts.session_backend"
SESSION_COOKIE_AGE = int(timedelta(days=30).total_seconds())
SESSION_SAVE_EVERY_REQUEST = False
SESSION_COOKIE_NAME = "__Host-privata" if _https else "privata"
SESSION_COOKIE_SECURE = _https
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_NAME = "__Host-csrf" if _https else "csrf"
CSRF_COOKIE_SECURE = _https
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [_privata.base_url]
CSRF_FAILURE_VIEW = "privata.dashboard.errors.csrf_failure"

# HSTS is set on the answers of every plane: see infra.http.safe_headers.
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
