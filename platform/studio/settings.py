"""Every setting of an installation, read from the environment with a working value for a fresh machine."""

import os
from pathlib import Path

import environ

from studio.embedded import APP_ROLE, DATABASE, OWNER_ROLE, EmbeddedServer
from studio.errors import StorageUnavailable
from studio.keyfile import read_or_create_secret

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parents[2]
VAR_DIR = Path(env.str("SLATE_VAR", default=str(BASE_DIR / "var"))).resolve()
KEY_DIR = Path(env.str("SLATE_KEYS", default=str(VAR_DIR / "keys"))).resolve()
MEDIA_DIR = Path(env.str("SLATE_MEDIA", default=str(VAR_DIR / "media"))).resolve()
# Attempts write here, under a name that holds their token; nothing in it is ever served.
WORK_DIR = Path(env.str("SLATE_WORK", default=str(VAR_DIR / "attempts"))).resolve()
UPLOAD_DIR = VAR_DIR / "uploads"
STATIC_ROOT = VAR_DIR / "static"
for _directory in (MEDIA_DIR, WORK_DIR, UPLOAD_DIR, STATIC_ROOT):
    try:
        _directory.mkdir(parents=True, exist_ok=True)
    except OSError as _error:
        raise StorageUnavailable(
            f"The directory {_directory} cannot be made: {_error.strerror}.",
            "Correct its permissions, free some space, or set SLATE_VAR to a place that can be written.",
        ) from _error

DEBUG = env.bool("SLATE_DEBUG", default=False)
SECRET_KEY = env.str("SLATE_SECRET_KEY", default="") or read_or_create_secret(KEY_DIR / "django").hex()
ALLOWED_HOSTS = env.list("SLATE_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("SLATE_ORIGINS", default=[])
SESSION_ENGINE = "studio.accounts.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("SLATE_HTTPS", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SESSION_COOKIE_SECURE else None
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# --- database -----------------------------------------------------------------------------------------
# DATABASE_URL is the app role's; DATABASE_OWNER_URL the role that owns the tables and migrates.
EMBEDDED_SERVER: EmbeddedServer | None = None
_CONNECTION = {
    "ENGINE": "django.db.backends.postgresql",
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    "ATOMIC_REQUESTS": False,
}
if "DATABASE_URL" in os.environ:
    DATABASES = {
        "default": {**env.db_url("DATABASE_URL"), **_CONNECTION},
        "owner": {**env.db_url("DATABASE_OWNER_URL", default=os.environ["DATABASE_URL"]), **_CONNECTION},
    }
else:
    EMBEDDED_SERVER = EmbeddedServer(VAR_DIR, durable=env.bool("SLATE_DATABASE_DURABLE", default=True))
    _EMBEDDED = {**_CONNECTION, "HOST": str(EMBEDDED_SERVER.socket_directory), "NAME": DATABASE}
    DATABASES = {
        "default": {**_EMBEDDED, "USER": APP_ROLE},
        "owner": {**_EMBEDDED, "USER": OWNER_ROLE},
    }
DATABASE_APP_ROLE = DATABASES["default"].get("USER") or APP_ROLE
DATABASE_ROUTERS = ["studio.routers.AppRoleRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- applications -------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "studio.web",
    "studio.api",
    "studio.handouts",
    "studio.credentials",
    "studio.references",
    "studio.runs",
    "studio.takes",
    "studio.productions",
    "studio.tenancy",
    "studio.accounts",
    "studio.ledger",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "allauth",
    "allauth.account",
    "procrastinate.contrib.django",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "studio.web.middleware.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "studio.web.middleware.render_slate_errors",
]

ROOT_URLCONF = "studio.urls"
ASGI_APPLICATION = "studio.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "studio.web.context.shell",
            ],
        },
    },
]

# --- people -------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "studio.accounts.adapters.InvitedPeopleOnly"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "productions"

# --- pages and files ----------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.str("SLATE_TIME_ZONE", default="UTC")
USE_TZ = True
STATIC_URL = "static/"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(MEDIA_DIR), "file_permissions_mode": 0o600},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
FILE_UPLOAD_TEMP_DIR = str(UPLOAD_DIR)
FILE_UPLOAD_HANDLERS = ["studio.takes.uploads.CappedTemporaryFileUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1 << 20

# --- generation ---------------------------------------------------------------------------------------
# "draft" is the shipped model; else a directory in the diffusers layout, or a hub id.
SLATE_MODEL = env.str("SLATE_MODEL", default="draft")
SLATE_DEVICE = env.str("SLATE_DEVICE", default="auto")
SLATE_TORCH_THREADS = env.int("SLATE_TORCH_THREADS", default=0) or None
SLATE_MAX_ATTEMPTS = 3
# A run whose attempt has not been heard of for this long goes back to the queue.
SLATE_STALLED_AFTER_S = env.float("SLATE_STALLED_AFTER_S", default=60.0)
SLATE_HEARTBEAT_S = env.float("SLATE_HEARTBEAT_S", default=5.0)
# What happens to a rendered file before it may be published, in this order (studio.runs.steps).
SLATE_STEPS = [
    "studio.references.steps.match",
    "studio.credentials.steps.sign",
    "studio.credentials.steps.gate",
]

# --- provenance ---------------------------------------------------------------------------------------
SLATE_ORGANISATION = env.str("SLATE_ORGANISATION", default="Slate development")
SLATE_C2PA_SPEC_VERSION = env.str("SLATE_C2PA_SPEC_VERSION", default="2.4.0")
SLATE_TRUST_DIR = KEY_DIR / "authority"
SLATE_MATCH_RADIUS = 31
# Segments of the search index: a copy of what the database holds, that can be removed at any time.
SEARCH_DIR = VAR_DIR / "search"
SLATE_SEGMENTS_FROM_FRAMES = env.int("SLATE_SEGMENTS_FROM_FRAMES", default=200_000)
SLATE_UPLOAD_LIMIT_MIB = env.int("SLATE_UPLOAD_LIMIT_MIB", default=512)
SLATE_UPLOAD_MAX_SECONDS = env.int("SLATE_UPLOAD_MAX_SECONDS", default=1800)
# Each answer tells whoever tries to remove a mark how far they got: strangers get few of them.
SLATE_ANONYMOUS_CLIPS_PER_HOUR = env.int("SLATE_ANONYMOUS_CLIPS_PER_HOUR", default=60)
SLATE_DETECTION_BUDGET_S = env.float("SLATE_DETECTION_BUDGET_S", default=60.0)
SLATE_INSPECTION_TIMEOUT_S = env.float("SLATE_INSPECTION_TIMEOUT_S", default=600.0)
SLATE_INGEST_TIMEOUT_S = env.float("SLATE_INGEST_TIMEOUT_S", default=4 * 3600.0)

# --- jobs and logs ------------------------------------------------------------------------------------
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "tasks"
PROCRASTINATE_WORKER_DEFAULTS = {
    "update_heartbeat_interval": SLATE_HEARTBEAT_S,
    "stalled_worker_timeout": max(SLATE_STALLED_AFTER_S, 30.0),
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("SLATE_LOG_LEVEL", default="WARNING")},
    "loggers": {
        "studio": {"level": env.str("SLATE_LOG_LEVEL", default="INFO")},
        "procrastinate": {"level": "WARNING"},
    },
}
