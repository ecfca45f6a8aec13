"""One settings file. Everything that differs between machines comes from the environment (docs/operations.md lists it)."""

from __future__ import annotations

from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from oms import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent
OMS_ENV = env.text("OMS_ENV", "production")  # production | demo | test
if OMS_ENV not in {"production", "demo", "test"}:
    raise ImproperlyConfigured("OMS_ENV must be production, demo or test.")
PRODUCTION = OMS_ENV == "production"
STATE_DIR = Path(env.text("OMS_STATE", str(BASE_DIR / ".oms")))

SECRET_KEY = env.text(
    "SECRET_KEY", None if PRODUCTION else "demo-only-secret-key-that-production-refuses-0123456789abcdef"
)
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
DEBUG = env.flag("OMS_DEBUG", False)
PUBLIC_URL = env.text("OMS_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "" if PRODUCTION else "127.0.0.1,localhost,[::1],testserver")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "core",
    "customers",
    "currencies",
    "inventory",
    "transfers",
    "purchasing",
    "counts",
    "quality",
    "orders",
    "fulfillment",
    "routing",
    "returns",
    "availability",
    "backorders",
    "payments",
    "invoicing",
    "risk",
    "channels",
    "reports",
    "forecasting",
    "drafts",
    "replenishment",
    "api",
    "oms.apps.OmsConfig",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django_tables2",
    "django_filters",
    "django_htmx",
    "axes",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "core.middleware.UserPreferencesMiddleware",
    "core.middleware.RefusalMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "oms.urls"
WSGI_APPLICATION = "oms.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "oms.navigation.navigation",
            ],
        },
    }
]

# PostgreSQL is the one store of truth. Connections are kept per thread: a new one costs about 5 ms.
DATABASES = {"default": env.database(env.text("DATABASE_URL", None if PRODUCTION else "postgresql:///oms"))}
DATABASES["default"] |= {
    "CONN_MAX_AGE": env.number("OMS_DB_CONN_MAX_AGE", 600),
    "CONN_HEALTH_CHECKS": True,
    "TEST": {"NAME": env.text("OMS_TEST_DATABASE", "test_oms")},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ATOMIC_REQUESTS = False  # each operation opens its own transaction: no lock is held while a page renders

# Redis is a bell, never a store: without it pages work and the sweepers redo what was not announced.
REDIS_URL = env.text("REDIS_URL", None if PRODUCTION else "redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "core.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
}
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SOFT_TIME_LIMIT = 1700
CELERY_TASK_TIME_LIMIT = 1800
# One more try and no waiting: whoever rings has just saved and waits for a page; beat finds what was not announced.
# (The workers' own connection has CELERY_BROKER_CONNECTION_* for its retries.)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "relay-outbox": {"task": "core.tasks.relay_outbox", "schedule": 5.0},
    "sweep-jobs": {"task": "core.tasks.sweep_jobs", "schedule": 15.0},
    "send-mail": {"task": "core.tasks.send_due_mail", "schedule": 15.0},
    "drop-expired-files": {"task": "core.tasks.drop_expired_files", "schedule": 3600.0},
    "clear-sessions": {"task": "core.tasks.clear_sessions", "schedule": 86400.0},
    "forget-answers": {"task": "api.tasks.forget_old_answers", "schedule": 86400.0},
    "prune-outbox": {"task": "core.tasks.prune_outbox", "schedule": 3600.0},
    "prune-rate-counts": {"task": "core.tasks.prune_rate_counts", "schedule": 3600.0},
    "follow-return-parcels": {"task": "returns.tasks.follow_parcels", "schedule": 60.0},
    "make-return-labels": {"task": "returns.tasks.make_return_labels", "schedule": 30.0},
    "advance-tracking": {"task": "fulfillment.tasks.advance_tracking", "schedule": 60.0},
    "forget-risk-traces": {"task": "risk.tasks.forget_old_traces", "schedule": 6 * 3600.0},
    "end-due-drafts": {"task": "drafts.tasks.end_due_drafts", "schedule": 60.0},
    "release-due-holds": {"task": "oms.tasks.release_due_holds", "schedule": 60.0},
    "refresh-daily-figures": {"task": "reports.tasks.refresh_daily_figures", "schedule": 15.0},
    "refresh-daily-demand": {"task": "forecasting.tasks.refresh_daily_demand", "schedule": 300.0},
    "make-forecasts": {"task": "forecasting.tasks.make_forecasts_nightly", "schedule": 1800.0},
    "open-scheduled-work": {"task": "fulfillment.tasks.open_scheduled", "schedule": 60.0},
    "void-labels": {"task": "fulfillment.tasks.void_labels", "schedule": 300.0},
    "publish-availability": {"task": "availability.tasks.publish_due", "schedule": 5.0},
    "watch-availability": {"task": "availability.tasks.watch_surroundings", "schedule": 60.0},
    "prune-webhook-posts": {"task": "availability.tasks.prune_posts", "schedule": 3600.0},
    "sweep-alerts": {"task": "replenishment.tasks.sweep_alerts", "schedule": 300.0},
    "wake-alerts": {"task": "replenishment.tasks.wake_alerts", "schedule": 60.0},
    "mail-low-stock": {"task": "replenishment.tasks.mail_digest", "schedule": 300.0},
    "order-automatically": {"task": "replenishment.tasks.order_automatically", "schedule": 600.0},
    "snapshot-levels": {"task": "inventory.tasks.snapshot_levels", "schedule": 3600.0},
    "make-scheduled-counts": {"task": "counts.tasks.make_scheduled_counts", "schedule": 900.0},
    "set-expired-aside": {"task": "inventory.tasks.set_expired_lots_aside", "schedule": 900.0},
    "fetch-exchange-rates": {"task": "currencies.tasks.fetch_exchange_rates", "schedule": 4 * 3600.0},
    "fill-backorders": {"task": "oms.tasks.fill_all_backorders", "schedule": 300.0},
    "ask-gateways": {"task": "payments.tasks.ask_gateways", "schedule": 30.0},
    "expire-store-credit": {"task": "payments.tasks.expire_store_credit", "schedule": 3600.0},
    "prune-gateway-webhooks": {"task": "payments.tasks.prune_webhooks", "schedule": 86400.0},
    "sweep-order-risks": {"task": "fulfillment.tasks.sweep_order_risks", "schedule": 300.0},
    "measure-lane-days": {"task": "fulfillment.tasks.measure_lane_days", "schedule": 86400.0},
    "release-variants": {"task": "backorders.tasks.release_variants", "schedule": 60.0},
    "sweep-promises": {"task": "backorders.tasks.sweep_promises", "schedule": 900.0},
}

AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
CSRF_FAILURE_VIEW = "core.views.errors.csrf_failed"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "core/locked_out.html"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True

USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("tr", _("Turkish")), ("pl", _("Polish")), ("fa", _("Persian"))]
LOCALE_PATHS = [BASE_DIR / "locale"]

STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if OMS_ENV == "test" or DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
UPLOAD_MAX_BYTES = env.number("OMS_UPLOAD_MAX_BYTES", 64 * 1024 * 1024)

EMAIL_BACKEND = env.text(
    "EMAIL_BACKEND",
    "django.core.mail.backends.smtp.EmailBackend" if PRODUCTION else "django.core.mail.backends.filebased.EmailBackend",
)
EMAIL_FILE_PATH = STATE_DIR / "mail"
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.number("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "shop@localhost")
MERCHANT_NAME = env.text("OMS_MERCHANT_NAME", "Northwind Outdoor" if not PRODUCTION else "OMS")

BEHIND_PROXY = env.flag("OMS_BEHIND_PROXY", False)  # a proxy of our own adds X-Forwarded-For and -Proto
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if PRODUCTION:
    SECURE_SSL_REDIRECT = env.flag("OMS_SSL_REDIRECT", True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
    SECURE_HSTS_SECONDS = env.number("OMS_HSTS_SECONDS", 31536000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    if BEHIND_PROXY:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
        "manifest-src": [SELF],
        "media-src": [SELF],
    }
}

OMS_SUBSCRIPTIONS = "oms.subscriptions.SUBSCRIPTIONS"
# Demo parcels move by themselves so that tracking pages have something to tell; real carriers report for themselves.
SIMULATE_TRACKING = env.flag("OMS_SIMULATE_TRACKING", OMS_ENV == "demo")

# Other addresses of payment gateways' APIs, for tests and development; empty: the gateways' own.
PAYMENT_GATEWAY_URLS = {"stripe": env.text("OMS_STRIPE_URL", ""), "paypal": env.text("OMS_PAYPAL_URL", "")}

# Changes of one SKU are gathered for so long before its channels are told.
AVAILABILITY_MERGE_SECONDS = env.number("OMS_AVAILABILITY_MERGE_SECONDS", 3)
# Where the European Central Bank's daily file is fetched from (https, a public address); empty: rates are not fetched.
EXCHANGE_RATES_URL = env.text("OMS_EXCHANGE_RATES_URL", "")
# Webhooks go to public addresses only; a receiver on this machine is for tests and development.
WEBHOOK_ALLOW_LOOPBACK = env.flag("OMS_WEBHOOK_ALLOW_LOOPBACK", False)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"hide_links": {"()": "core.logs.HideLinks"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["hide_links"]}},
    "root": {"handlers": ["console"], "level": env.text("OMS_LOG_LEVEL", "WARNING")},
    "loggers": {"django.server": {"level": "WARNING"}, "axes": {"level": "ERROR"}},
}

if OMS_ENV == "test":
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    AXES_ENABLED = False
    if env.text("PYTEST_VERSION", ""):  # test processes run side by side: each has a cache of its own
        CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    WHITENOISE_AUTOREFRESH = True
