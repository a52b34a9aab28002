"""Domains and origins of passkeys."""

import pytest

from config.environment.passkeys import default_domain, default_origins, foreign_origin, passkey_domain

pytestmark = pytest.mark.unit

ANDROID = f"android:apk-key-hash:{'A' * 43}"


@pytest.mark.parametrize(
    ("own", "application", "domain", "origins"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "localhost", ["http://localhost:8000"]),
        ("http://[::1]:8000", "http://[::1]:8000", "localhost", ["http://localhost:8000"]),
        ("https://example.com", "https://example.com", "example.com", ["https://example.com"]),
        (
            "https://example.com",
            "https://app.example.com/next",
            "example.com",
            ["https://example.com", "https://app.example.com"],
        ),
        (
            "https://api.example.com",
            "https://example.com",
            "example.com",
            ["https://api.example.com", "https://example.com"],
        ),
        ("https://api.example.com", "https://app.example.com", "app.example.com", ["https://app.example.com"]),
        ("https://notexample.com", "https://example.com", "example.com", ["https://example.com"]),
    ],
)
def test_defaults_are_derived_from_the_urls(own: str, application: str, domain: str, origins: list[str]):
    assert default_domain(own, application) == domain
    assert default_origins(domain, own, application) == origins


@pytest.mark.parametrize("domain", ["", "example.com", "localhost", "a-b.example.co.uk"])
def test_valid_domains_are_accepted(domain: str):
    assert passkey_domain(domain) == domain


@pytest.mark.parametrize(
    "text", ["https://example.com", "example.com/", "Example.com", "127.0.0.1", ".example.com", "a b", "-a.com"]
)
def test_invalid_domain_is_rejected(text: str):
    with pytest.raises(ValueError, match="is not a domain"):
        passkey_domain(text)


@pytest.mark.parametrize(
    ("origins", "number"),
    [
        ([], None),
        (["https://example.com", "https://app.example.com:8443", ANDROID], None),
        (["https://example.com", "https://example.org"], 2),
        (["https://notexample.com"], 1),
    ],
)
def test_foreign_origin_is_found(origins: list[str], number: int | None):
    assert foreign_origin(origins, "example.com") == number
