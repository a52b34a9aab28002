"""PASSKEY_DOMAIN and PASSKEY_ORIGINS."""

import re

import pytest

from tests.support.settings import PRODUCTION

pytestmark = pytest.mark.unit


def test_passkey_domain_is_derived_from_the_urls(load):
    settings = load(**PRODUCTION, APPLICATION_URL="https://app.api.example.com")
    assert settings.passkeys_domain == "api.example.com"
    assert settings.passkeys_origins == ["https://api.example.com", "https://app.api.example.com"]


def test_passkey_domain_and_origins_are_configurable(load):
    configured = {
        "PASSKEY_DOMAIN": "example.com",
        "PASSKEY_ORIGINS": "https://app.example.com, https://www.example.com",
    }
    settings = load(**PRODUCTION, **configured)
    assert settings.passkeys_domain == "example.com"
    assert settings.passkeys_origins == ["https://app.example.com", "https://www.example.com"]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PASSKEY_DOMAIN", "https://example.com", "PASSKEY_DOMAIN: is not a domain such as example.com"),
        (
            "PASSKEY_DOMAIN",
            "example.org",
            "PASSKEY_DOMAIN: PUBLIC_URL and APPLICATION_URL are not within it; set PASSKEY_ORIGINS",
        ),
        *(
            ("PASSKEY_ORIGINS", origin, "PASSKEY_ORIGINS: entry 1 is not an origin such as https://app.example.com")
            for origin in ("https://api.example.com/page", "https://ivy@api.example.com", "api.example.com")
        ),
        ("PASSKEY_ORIGINS", "android:apk-key-hash:short", "PASSKEY_ORIGINS: entry 1 is not an origin such as"),
        ("PASSKEY_ORIGINS", "https://evil.example", "PASSKEY_ORIGINS: entry 1 is not an origin within api.example.com"),
    ],
)
def test_foreign_passkey_domain_or_origin_stops_the_start(load, name: str, value: str, reason: str):
    with pytest.raises(SystemExit, match=re.escape(reason)):
        load(**PRODUCTION, **{name: value})
