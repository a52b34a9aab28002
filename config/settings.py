"""Django's settings, derived from the environment. What operators may change is in `environment/`."""

from django.utils.csp import CSP

from config.environment import STATE_DIRECTORY, load_environment
from config.environment.accounts import password_validators
from config.environment.database import database_settings
from config.environment.mail import mailers
from config.environment.rate_limits import cache_settings
from config.environment.server import HSTS_SECONDS
from config.environment.sign_in_providers import load_providers, redirect_allowlist
from config.installed_apps import OWN_APPS
from config.logging import logging_settings
from config.postgres.embedded_postgres import EmbeddedPostgres

ENVIRONMENT = load_environment()
EMBEDDED_POSTGRES = None if ENVIRONMENT.database_url else EmbeddedPostgres(STATE_DIRECTORY / "postgres")

DEBUG = False
SECRET_KEY = ENVIRONMENT.signing_secret
SECRET_KEY_FALLBACKS = ENVIRONMENT.secret_key_fallbacks
ALLOWED_HOSTS = ENVIRONMENT.served_hosts

INSTALLED_APPS = [
    "config.apps.KeyhouseConfig",
    *OWN_APPS,
    "ninja",
    "unfold.apps.BasicAppConfig",  # plain "unfold" would replace the admin site and the sign-in
    "config.apps.KeyhouseAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
]

# Of the admin application only; the API application (apps.core.http) uses none of Django's middleware.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "apps.backoffice.admin.browser_session.StaffAuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

STAFF_REQUESTS_MAXIMUM = 8
RATE_LIMIT_THREADS = 4
# Browsers keep a cookie of this name only from this very host, over HTTPS (RFC 6265bis, 4.1.3.2).
COOKIE_PREFIX = "__Host-" if ENVIRONMENT.serves_https_only else ""
DATABASE_URL = EMBEDDED_POSTGRES.url if EMBEDDED_POSTGRES else ENVIRONMENT.database_url
DATABASES = {
    "default": database_settings(
        DATABASE_URL,
        # Django's own connections: one for each concurrent request of staff, and for each thread that counts requests.
        STAFF_REQUESTS_MAXIMUM + RATE_LIMIT_THREADS,
        ENVIRONMENT.database_pooler,
    )
}
DATABASE_POOLER = ENVIRONMENT.database_pooler
DATABASE_POOL_SIZE = ENVIRONMENT.database_pool_size
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHE_URL = ENVIRONMENT.cache_url
CACHES = {"default": cache_settings(CACHE_URL)}
RATELIMIT_USE_CACHE = "default"

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["apps.backoffice.admin.staff_backend.StaffBackend"]
PASSWORD_HASHERS = ["apps.core.crypto.passwords.Argon2idHasher"]
AUTH_PASSWORD_VALIDATORS = password_validators(ENVIRONMENT)
SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # e-mail is unique among accounts that are not deleted, which Django cannot see
    # Only the operator knows whether every subdomain is served by HTTPS, and a preloaded domain stays so for months.
    "security.W005",
    "security.W021",
    "mail.W001",  # production may have no mail server; `serve` logs a warning
]

PRODUCT_NAME = ENVIRONMENT.product_name
PUBLIC_URL = ENVIRONMENT.own_url
APPLICATION_URL = ENVIRONMENT.links_url
PASSKEY_DOMAIN = ENVIRONMENT.passkeys_domain
PASSKEY_ORIGINS = ENVIRONMENT.passkeys_origins
REQUIRE_STAFF_SECOND_FACTOR = ENVIRONMENT.staff_need_second_factor
MAILERS = mailers(ENVIRONMENT.mail_url, to_console=not ENVIRONMENT.is_production)
DEFAULT_FROM_EMAIL = ENVIRONMENT.mail_sender

OAUTH_PROVIDERS = load_providers(ENVIRONMENT)
OAUTH_REDIRECT_ALLOWLIST = redirect_allowlist(ENVIRONMENT)

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "config.formats"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIRECTORY / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Files are linked under names with a hash of their content, so that browsers can keep them for years, and are sent
    # compressed, which is done once, when they are collected.
    "staticfiles": {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"},
}

LOGGING = logging_settings(ENVIRONMENT.log_level, as_json=ENVIRONMENT.is_production)

SESSION_IDLE_SECONDS = ENVIRONMENT.session_idle_seconds
SESSION_ABSOLUTE_SECONDS = ENVIRONMENT.session_absolute_seconds
STAFF_SESSION_IDLE_SECONDS = ENVIRONMENT.staff_session_idle_seconds
STAFF_SESSION_ABSOLUTE_SECONDS = ENVIRONMENT.staff_session_absolute_seconds

# The admin's cookies; the API application uses none. The lifetime of an admin session is decided by its row in
# `sessions`; Django's session and the cookie must last at least as long.
SESSION_ENGINE = "apps.backoffice.repositories.session_store"
SESSION_COOKIE_AGE = STAFF_SESSION_ABSOLUTE_SECONDS
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}staff_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = ENVIRONMENT.serves_https_only
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}staff_csrf"
CSRF_FAILURE_VIEW = "apps.backoffice.admin.error_pages.csrf_failure"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = ENVIRONMENT.serves_https_only
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SECURE_SSL_REDIRECT = ENVIRONMENT.serves_https_only
SECURE_HSTS_SECONDS = HSTS_SECONDS if ENVIRONMENT.serves_https_only else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = ENVIRONMENT.hsts_include_subdomains
SECURE_HSTS_PRELOAD = ENVIRONMENT.hsts_preload
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "base-uri": [CSP.NONE],
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
REQUEST_ID_RETRY_SECONDS = ENVIRONMENT.request_id_retry_seconds
REFUSALS_PER_KEY = ENVIRONMENT.refusals_per_key
CALL_HISTORY_HOURS = ENVIRONMENT.call_history_hours
USAGE_RETENTION_DAYS = ENVIRONMENT.usage_retention_days
PUBLIC_RATE_LIMIT = ENVIRONMENT.public_rate_limit
LOGIN_RATE_LIMIT = ENVIRONMENT.login_rate_limit
TOKEN_ISSUER = ENVIRONMENT.issuer_url
TOKEN_SIGNING_ALGORITHM = ENVIRONMENT.token_signing_algorithm
TOKEN_RESOURCES = frozenset(ENVIRONMENT.token_resources)
REGISTRATION = ENVIRONMENT.registration
ERASE_AFTER_DAYS = ENVIRONMENT.erase_after_days
CREDIT_APPROVAL_ABOVE = ENVIRONMENT.credit_approval_above
ATTEMPT_RETENTION_DAYS = ENVIRONMENT.attempt_retention_days
REQUIRE_VERIFIED_EMAIL = ENVIRONMENT.require_verified_email
TOKEN_AUDIENCE = ENVIRONMENT.token_audience
