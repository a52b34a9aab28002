"""The environment: each invalid value stops the start with one line that does not repeat it."""

from decimal import Decimal
from ipaddress import ip_network

import pytest

from config.environment.rate_limits import cache_settings
from tests.support.settings import PRODUCTION, refusal

pytestmark = pytest.mark.unit


def test_development_needs_no_variables(load):
    environment = load()
    assert (environment.host, environment.port, environment.workers) == ("127.0.0.1", 8000, 1)
    assert (environment.login_rate_limit, environment.public_rate_limit) == ("5/m", "60/m")
    assert (environment.is_production, environment.serves_https_only) == (False, False)
    assert environment.trusted_networks == ()


def test_sessions_have_default_lifetimes(load):
    environment = load()
    days = 24 * 3600
    assert (environment.session_idle_seconds, environment.session_absolute_seconds) == (30 * days, 180 * days)
    assert (environment.staff_session_idle_seconds, environment.staff_session_absolute_seconds) == (1800, 43200)


def test_empty_variable_counts_as_not_set(load):
    assert load(PORT="", ALLOWED_HOSTS="", DATABASE_URL="").port == 8000


def test_issuer_is_own_url_by_default(load):
    assert load(PORT="8080").issuer_url == "http://localhost:8080"
    assert load(PUBLIC_URL="https://keys.example.com").issuer_url == "https://keys.example.com"
    assert load(TOKEN_ISSUER="https://id.example.com/keys").issuer_url == "https://id.example.com/keys"


def test_lists_are_comma_separated(load):
    environment = load(
        ALLOWED_HOSTS="a.example.com, .b.example.com ,",
        CORS_ALLOWED_ORIGINS="https://app.example.com,http://localhost:3000",
        TRUSTED_PROXIES="10.0.0.0/8, 192.0.2.1, fd00::/8",
    )
    assert environment.allowed_hosts == ["a.example.com", ".b.example.com"]
    assert environment.cors_allowed_origins == ["https://app.example.com", "http://localhost:3000"]
    assert environment.trusted_networks == tuple(map(ip_network, ("10.0.0.0/8", "192.0.2.1/32", "fd00::/8")))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LOGIN_RATE_LIMIT", "must be a number and a period, such as 5/m or 100/10m (s, m, h, d)"),
        ("PRODUCT_NAME", "must be at most 60 letters, digits, spaces and .&+'-, a letter or digit first"),
    ],
)
def test_error_describes_the_expected_value(load, name, expected):
    assert refusal(load, **{name: "<b>"}) == f"keyhouse: {name}: {expected}"


@pytest.mark.parametrize("rate", ["5/m", "100000/m", "1/s", "3/10m", "7/d", "10/h"])
def test_valid_rates_are_accepted(load, rate):
    assert load(LOGIN_RATE_LIMIT=rate, PUBLIC_RATE_LIMIT=rate).login_rate_limit == rate


INVALID = [
    ("ENVIRONMENT", "hunter2"),
    ("DATABASE_URL", "mysql://hunter2"),
    ("DATABASE_URL", "postgresql://u:hunter2@[bad/db"),
    ("DATABASE_URL", "postgresql://u:hunter2@h/db?nonsense=hunter2"),
    ("DATABASE_URL", "hunter2"),
    ("CACHE_URL", "hunter2"),
    ("CACHE_URL", "memcached://hunter2"),
    ("CACHE_URL", "redis:hunter2"),
    ("CACHE_URL", "redis://"),
    ("CACHE_URL", "redis://:hunter2@"),
    ("CACHE_URL", "redis://:hunter2@h:port"),
    ("CACHE_URL", "redis://:hunter2@h:65536"),
    ("CACHE_URL", "redis://:hunter2@[bad"),
    ("CACHE_URL", "redis://:hunter2@h/cache"),
    ("CACHE_URL", "redis://:hunter2@h/0?nonsense=hunter2"),
    ("CACHE_URL", "redis://:hunter2@h/0?db=hunter2"),
    ("CACHE_URL", "unix:///hunter2"),
    ("PORT", "hunter2"),
    ("PORT", "0"),
    ("PORT", "65536"),
    ("PORT", "-8000"),
    ("WORKERS", "0"),
    ("WORKERS", "257"),
    ("WORKERS", "two"),
    ("DATABASE_POOL_SIZE", "1"),
    ("DATABASE_POOL_SIZE", "201"),
    ("PASSWORD_LENGTH_MINIMUM", "7"),
    ("PASSWORD_LENGTH_MINIMUM", "65"),
    ("PASSWORD_CONTEXT_WORDS", "acme, abc"),
    ("BREACHED_PASSWORDS_FILE", "/hunter2/missing"),
    ("BREACHED_PASSWORDS_FILE", "/"),
    ("BREACHED_PASSWORDS_FILE", __file__),
    ("SESSION_IDLE_SECONDS", "899"),
    ("SESSION_ABSOLUTE_SECONDS", "0"),
    ("STAFF_SESSION_IDLE_SECONDS", "299"),
    ("STAFF_SESSION_ABSOLUTE_SECONDS", "hunter2"),
    ("HTTPS_ONLY", "hunter2"),
    ("KEEP_ALIVE_SECONDS", "0"),
    ("CONNECTIONS_MAXIMUM", "1"),
    ("REQUEST_ID_RETRY_SECONDS", "0"),
    ("REQUEST_ID_RETRY_SECONDS", "3601"),
    ("REQUEST_ID_RETRY_SECONDS", "1m"),
    ("REFUSALS_PER_KEY", "1001"),
    ("CALL_HISTORY_HOURS", "0"),
    ("CALL_HISTORY_HOURS", "745"),
    ("USAGE_RETENTION_DAYS", "-1"),
    ("USAGE_RETENTION_DAYS", "31"),
    ("ACCESS_LOG", "hunter2"),
    ("LOG_LEVEL", "hunter2"),
    ("LOG_LEVEL", "debug"),
    ("LOGIN_RATE_LIMIT", "hunter2"),
    ("LOGIN_RATE_LIMIT", "5"),
    ("LOGIN_RATE_LIMIT", "0/m"),
    ("LOGIN_RATE_LIMIT", "5/0m"),
    ("LOGIN_RATE_LIMIT", "-5/m"),
    ("PUBLIC_RATE_LIMIT", "5/w"),
    ("PUBLIC_RATE_LIMIT", "5/m "),
    ("CORS_ALLOWED_ORIGINS", "hunter2"),
    ("CORS_ALLOWED_ORIGINS", "*"),
    ("CORS_ALLOWED_ORIGINS", "https://app.example.com/"),
    ("CORS_ALLOWED_ORIGINS", "https://*.example.com"),
    ("CORS_ALLOWED_ORIGINS", "https://app.example.com,hunter2"),
    ("TRUSTED_PROXIES", "hunter2"),
    ("TRUSTED_PROXIES", "10.0.0.1/8"),
    ("TRUSTED_PROXIES", "*"),
    ("PUBLIC_URL", "hunter2"),
    ("PUBLIC_URL", "ftp://hunter2.example.com"),
    ("PUBLIC_URL", "https://"),
    ("PUBLIC_URL", "https://api.example.com/"),
    ("PUBLIC_URL", "https://api.example.com?hunter2"),
    ("PUBLIC_URL", "https://api.example.com#hunter2"),
    ("PUBLIC_URL", "https://user:hunter2@api.example.com"),
    ("PUBLIC_URL", "https://api.example.com:0"),
    ("PUBLIC_URL", "https://api.example.com:hunter2"),
    ("PUBLIC_URL", "https://[hunter2"),
    ("PUBLIC_URL", "https://api.example.com/ hunter2"),
    ("PUBLIC_URL", "https://api.example.com\\hunter2"),
    ("TOKEN_ISSUER", "hunter2"),
    ("TOKEN_RESOURCES", "hunter2"),
    ("TOKEN_RESOURCES", "https://api.example.com,https://api.example.com/#hunter2"),
    ("TOKEN_SIGNING_ALGORITHM", "HS256hunter2"),
    ("TOKEN_ISSUER", "https://api.example.com/hunter2/"),
    ("APPLICATION_URL", "//hunter2.example.com"),
    ("APPLICATION_URL", "https://app.example.com/hunter2/"),
    ("MAIL_URL", "hunter2"),
    ("MAIL_URL", "smtp://"),
    ("MAIL_URL", "http://user:hunter2@mail.example.com"),
    ("MAIL_URL", "smtp://user:hunter2@mail.example.com:port"),
    ("MAIL_URL", "smtp://user:hunter2@mail.example.com:0"),
    ("MAIL_URL", "smtp://hunter2@mail.example.com"),
    ("MAIL_URL", "smtp://user:hunter2@mail.example.com/hunter2"),
    ("MAIL_URL", "smtp://user:hunter2@mail.example.com?starttls=no"),
    ("MAIL_URL", "smtp://user:hunter2@mail.example.com?hunter2"),
    ("MAIL_URL", "smtps://user:hunter2@mail.example.com?starttls=false"),
    ("MAIL_URL", "smtps://user:hunter2@mail.example.com#hunter2"),
    ("MAIL_FROM", "hunter2"),
    ("MAIL_FROM", "hunter2@"),
    ("MAIL_FROM", "a@example.com, hunter2@example.com"),
    ("MAIL_FROM", "a@example.com\nBcc: hunter2@example.com"),
    ("PRODUCT_NAME", "hunter2\nBcc: all@example.com"),
    ("PRODUCT_NAME", "hunter2 <a@example.com>"),
    ("PRODUCT_NAME", "hunter2: a label"),
    ("PRODUCT_NAME", "hunter2" * 10),
]


@pytest.mark.parametrize(("name", "value"), INVALID)
def test_invalid_value_stops_the_start_without_being_repeated(load, name, value):
    message = refusal(load, **{name: value})
    assert message.startswith(f"keyhouse: {name}: ")
    assert len(message) < 200
    assert "hunter2" not in message


def test_complete_production_environment_is_accepted(load):
    environment = load(**PRODUCTION)
    assert (environment.is_production, environment.serves_https_only) == (True, True)


def test_counters_are_in_postgresql_by_default(load):
    assert load().cache_url == ""
    assert cache_settings("")["BACKEND"] == "apps.core.rate_limits.postgresql_counter_cache.PostgresqlCounterCache"


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        ("redis://cache", "redis://cache"),
        ("redis://:p%40ss@cache:6380/2", "redis://:p%40ss@cache:6380/2"),
        ("rediss://me:pw@[::1]:6380/0?ssl_ca_certs=/ca.pem", "rediss://me:pw@[::1]:6380/0?ssl_ca_certs=/ca.pem"),
        ("valkey://cache/1", "redis://cache/1"),
        ("valkeys://cache", "rediss://cache"),
    ],
)
def test_redis_and_valkey_urls_are_accepted(load, url, accepted):
    environment = load(CACHE_URL=url)
    assert environment.cache_url == accepted
    assert accepted not in repr(environment)
    assert cache_settings(environment.cache_url) == {
        "BACKEND": "apps.core.rate_limits.redis_counter_cache.RedisCounterCache",
        "LOCATION": accepted,
        "KEY_PREFIX": "keyhouse",
    }


def test_password_rules_are_configurable(load, tmp_path):
    (tmp_path / "pwned").write_text(f"{'0' * 40}:1\n")
    environment = load(
        PASSWORD_LENGTH_MINIMUM="15",
        PASSWORD_CONTEXT_WORDS="Acme, Rocket Club",
        BREACHED_PASSWORDS_FILE=str(tmp_path / "pwned"),
    )
    assert environment.password_length_minimum == 15
    assert environment.password_context_words == ["Acme", "Rocket Club"]
    assert environment.breached_passwords_file == str(tmp_path / "pwned")


def test_secret_keys_are_not_shown(load):
    environment = load(SECRET_KEY="hunter2", SECRET_KEY_FALLBACKS="hunter3, hunter4")
    assert environment.secret_key_fallbacks == ["hunter3", "hunter4"]
    assert "hunter" not in repr(environment)


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("DATABASE_URL", "postgresql://keyhouse:hunter2@db/keyhouse"),
        ("CACHE_URL", "redis://:hunter2@cache/0"),
        ("MAIL_URL", "smtp://keyhouse:hunter2@mail.example.com"),
    ],
)
def test_passwords_of_other_servers_are_not_shown(load, variable: str, url: str):
    assert "hunter2" not in repr(load(**{variable: url}))


def test_tokens_are_signed_by_eddsa_for_no_other_resource_by_default(load):
    assert (load().token_signing_algorithm, load().token_resources) == ("EdDSA", [])
    changed = load(
        TOKEN_SIGNING_ALGORITHM="RS256", TOKEN_RESOURCES="https://images.example.com/v1, urn:example:reports"
    )
    assert changed.token_signing_algorithm == "RS256"
    assert changed.token_resources == ["https://images.example.com/v1", "urn:example:reports"]


def test_postings_need_no_approval_by_default(load):
    assert load().credit_approval_above is None
    assert load(CREDIT_APPROVAL_ABOVE="").credit_approval_above is None


@pytest.mark.parametrize("amount", ["0", "1000", "0.000001", "99999999999999.999999"])
def test_limit_of_postings_is_an_exact_amount(load, amount):
    assert load(CREDIT_APPROVAL_ABOVE=amount).credit_approval_above == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("-1", "must not be negative"),
        *((each, "must be a decimal such as") for each in ("1e3", "1,000", "NaN", "none", "0.0000001", "1" * 15)),
    ],
)
def test_malformed_limit_of_postings_stops_the_start(load, amount, reason):
    assert refusal(load, CREDIT_APPROVAL_ABOVE=amount).startswith(f"keyhouse: CREDIT_APPROVAL_ABOVE: {reason}")
