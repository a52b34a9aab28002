"""For which pages passkeys are."""

import re

import pytest

from tests.support.settings import PRODUCTION

pytestmark = pytest.mark.unit


def test_passkeys_are_for_the_domain_of_the_addresses(load):
    settings = load(**PRODUCTION, APPLICATION_URL="https://app.api.example.com")
    assert settings.passkeys_domain == "api.example.com"
    assert settings.passkeys_origins == ["https://api.example.com", "https://app.api.example.com"]


def test_passkeys_are_for_the_domain_and_the_origins_that_are_named(load):
    named = {"PASSKEY_DOMAIN": "example.com", "PASSKEY_ORIGINS": "https://app.example.com, https://www.example.com"}
    settings = load(**PRODUCTION, **named)
    assert settings.passkeys_domain == "example.com"
    assert settings.passkeys_origins == ["https://app.example.com", "https://www.example.com"]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PASSKEY_DOMAIN", "https://example.com", "PASSKEY_DOMAIN: is not a domain such as example.com"),
        (
            "PASSKEY_DOMAIN",
            "example.org",
            "PASSKEY_DOMAIN: PUBLIC_URL and APPLICATION_URL lie elsewhere; name the PASSKEY_ORIGINS",
        ),
        ("PASSKEY_ORIGINS", "https://evil.example", "PASSKEY_ORIGINS: entry 1 is not an origin within api.example.com"),
    ],
)
def test_passkeys_elsewhere_stop_the_start(load, name: str, value: str, reason: str):
    with pytest.raises(SystemExit, match=re.escape(reason)):
        load(**PRODUCTION, **{name: value})
