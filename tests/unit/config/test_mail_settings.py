"""Settings derived from MAIL_URL, MAIL_FROM, PUBLIC_URL and APPLICATION_URL."""

import pytest
from pydantic import SecretStr

from config.environment import Environment, load_environment
from config.environment.mail import mailers
from config.management.commands.serve import warn_of_undelivered_mail
from config.serving.worker import background_jobs

pytestmark = pytest.mark.unit

PRODUCTION = {
    "environment": "production",
    "secret_key": "k" * 50,
    "database_url": "postgresql://keyhouse:pw@db/keyhouse",
    "allowed_hosts": ["api.example.com"],
}
SMTP = "django.core.mail.backends.smtp.EmailBackend"


def environment(**values) -> Environment:
    return Environment(**values)


@pytest.mark.parametrize(
    ("values", "own_url"),
    [
        ({}, "http://localhost:8000"),
        ({"host": "0.0.0.0", "port": 9000}, "http://localhost:9000"),
        ({"host": "::1"}, "http://localhost:8000"),
        ({"host": "::"}, "http://localhost:8000"),
        (PRODUCTION, "https://api.example.com"),
        ({**PRODUCTION, "public_url": "https://keys.example.com"}, "https://keys.example.com"),
        ({"public_url": "http://localhost:8000"}, "http://localhost:8000"),
    ],
)
def test_own_url_is_derived_from_the_environment(values, own_url):
    assert environment(**values).own_url == own_url
    assert environment(**values).links_url == own_url


def test_links_use_the_application_url():
    assert environment(application_url="https://app.example.com/portal").links_url == "https://app.example.com/portal"


@pytest.mark.parametrize(
    ("variables", "refusal"),
    [
        ({"ALLOWED_HOSTS": ".example.com"}, "PUBLIC_URL must be set"),
        ({"PUBLIC_URL": "http://api.example.com"}, "PUBLIC_URL must begin with https://"),
        ({"TOKEN_ISSUER": "http://id.example.com"}, "TOKEN_ISSUER must begin with https://"),
        ({"APPLICATION_URL": "http://app.example.com"}, "APPLICATION_URL must begin with https://"),
    ],
)
def test_production_rejects_unsafe_urls(monkeypatch, variables, refusal):
    production = {"ALLOWED_HOSTS": "api.example.com", "ENVIRONMENT": "production"}
    secrets = {"SECRET_KEY": "k" * 50, "DATABASE_URL": "postgresql://keyhouse:pw@db/keyhouse"}
    for name, value in {**production, **secrets, **variables}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        load_environment()
    assert str(stopped.value.code).startswith(f"keyhouse: {refusal}")


def test_http_urls_are_accepted_without_https_only():
    plain = environment(**PRODUCTION, https_only=False, public_url="http://api.example.com")
    assert plain.own_url == "http://api.example.com"


@pytest.mark.parametrize(
    ("values", "sender"),
    [
        ({}, "Keyhouse <no-reply@localhost>"),
        ({"public_url": "https://[::1]:8000"}, "Keyhouse <no-reply@localhost>"),
        ({**PRODUCTION, "product_name": "Example Inc."}, '"Example Inc." <no-reply@api.example.com>'),
        ({"mail_from": "Ops <ops@example.com>"}, "Ops <ops@example.com>"),
        ({"mail_from": "ops@example.com"}, "ops@example.com"),
    ],
)
def test_sender_is_configured_or_derived(values, sender):
    assert environment(**values).mail_sender == sender


@pytest.mark.parametrize(
    ("url", "host", "port", "encryption"),
    [
        ("smtp://mail.example.com", "mail.example.com", 587, "starttls"),
        ("smtp://mail.example.com:2525?starttls=true", "mail.example.com", 2525, "starttls"),
        ("smtp://127.0.0.1:25?starttls=false", "127.0.0.1", 25, None),
        ("smtps://mail.example.com", "mail.example.com", 465, "tls"),
        ("smtps://[::1]:4650/", "::1", 4650, "tls"),
    ],
)
def test_mail_url_becomes_mailer_options(url, host, port, encryption):
    (mailer,) = mailers(SecretStr(url), to_console=True).values()
    options = mailer["OPTIONS"]
    assert (mailer["BACKEND"], options["host"], options["port"]) == (SMTP, host, port)
    assert (options["use_tls"], options["use_ssl"]) == (encryption == "starttls", encryption == "tls")
    assert options["timeout"] == 10


def test_mail_credentials_are_percent_decoded():
    (mailer,) = mailers(SecretStr("smtp://me%40example.com:p%2Fw%3A%40@mail.example.com"), to_console=False).values()
    assert (mailer["OPTIONS"]["username"], mailer["OPTIONS"]["password"]) == ("me@example.com", "p/w:@")


def test_without_mail_url_development_prints_messages_and_production_has_no_mailer():
    assert mailers(SecretStr(""), to_console=True)["default"]["BACKEND"].endswith("mail_console.EmailBackend")
    assert mailers(SecretStr(""), to_console=False) == {}


def test_mail_password_is_hidden_in_representations():
    loaded = environment(mail_url="smtp://user:hunter2@mail.example.com")
    assert "hunter2" not in f"{loaded!r} {loaded!s} {loaded.model_dump_json()}"


@pytest.mark.parametrize(("mailers_set", "lines"), [({}, 1), ({"default": {}}, 0)])
def test_missing_mail_server_is_logged_at_start(settings, caplog, mailers_set, lines):
    settings.MAILERS = mailers_set
    warn_of_undelivered_mail()
    assert [line.levelname for line in caplog.records] == ["WARNING"] * lines
    assert [job.name for job in background_jobs() if job.name == "mail"] == ["mail"] * len(mailers_set)
