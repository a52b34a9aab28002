"""Hosts, origins and networks become what requests contain, or are refused."""

import pytest

from tests.support.settings import PRODUCTION

pytestmark = pytest.mark.unit


def refusal(load, **variables: str) -> str:
    """Return the line with which the environment is refused."""
    with pytest.raises(SystemExit) as ended:
        load(**variables)
    return str(ended.value)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("API.Example.COM", "api.example.com"),
        ("api.example.com.", "api.example.com"),
        (".Example.com", ".example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("::1", "[::1]"),
        ("[2001:DB8:0::1]", "[2001:db8::1]"),
        ("192.0.2.1", "192.0.2.1"),
        ("my_host", "my_host"),
        ("*", "*"),
    ],
)
def test_allowed_host_is_canonical(load, written: str, canonical: str):
    assert load(ALLOWED_HOSTS=written).served_hosts == [canonical]


@pytest.mark.parametrize(
    "host",
    [
        "https://api.example.com",
        "api.example.com:8000",
        "[::1]:8000",
        "api.example.com/path",
        "api example.com",
        "*.example.com",
        "api.example.com;b.example.com",
        "..example.com",
        ".",
        "[::1",
        "[fe80::1%eth0]",
        "-api.example.com",
        "user@api.example.com",
    ],
)
def test_host_that_cannot_match_is_refused(load, host: str):
    assert refusal(load, ALLOWED_HOSTS=f"a.example.com,{host}") == (
        "keyhouse: ALLOWED_HOSTS: entry 2 is not a host name such as api.example.com or .example.com, without scheme, "
        "port and path"
    )


@pytest.mark.parametrize("variable", ["CORS_ALLOWED_ORIGINS", "PASSKEY_ORIGINS"])
@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("HTTPS://App.API.Example.com", "https://app.api.example.com"),
        ("https://app.api.example.com:443", "https://app.api.example.com"),
        ("http://app.api.example.com:80", "http://app.api.example.com"),
        ("https://app.api.example.com:8443", "https://app.api.example.com:8443"),
        ("https://bücher.api.example.com", "https://xn--bcher-kva.api.example.com"),
    ],
)
def test_origin_is_canonical(load, variable: str, written: str, canonical: str):
    assert getattr(load(**PRODUCTION, **{variable: written}), variable.lower()) == [canonical]


@pytest.mark.parametrize("variable", ["CORS_ALLOWED_ORIGINS", "PASSKEY_ORIGINS"])
@pytest.mark.parametrize(
    "origin",
    [
        "https://api.example.com?query",
        "https://api.example.com#fragment",
        "https://api.example.com/",
        "https://user@api.example.com",
        "https://api.example.com:",
        "https://api.example.com:0",
        "https://api.example.com:65536",
        "https://api.example.com\\x",
        "https://.example.com",
        "api.example.com",
        "null",
    ],
)
def test_origin_that_cannot_match_is_refused(load, variable: str, origin: str):
    assert refusal(load, **PRODUCTION, **{variable: origin}).startswith(
        f"keyhouse: {variable}: entry 1 is not an origin"
    )


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:192.0.2.1", "192.0.2.1/32"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("192.0.2.1", "192.0.2.1/32"),
    ],
)
def test_trusted_network_is_canonical(load, written: str, canonical: str):
    assert [str(network) for network in load(TRUSTED_PROXIES=written).trusted_networks] == [canonical]


@pytest.mark.parametrize(
    "network",
    [
        "::ffff:0:0/96",
        "::ffff:0:0/95",
        "::/80",
        "::ffff:10.0.0.0/100",
        "0.0.0.0/0",
        "::/0",
        "fe80::1%eth0",
        "10.0.0.1/8",
        "10.0.0.1:80",
    ],
)
def test_network_that_cannot_match_or_trusts_everybody_is_refused(load, network: str):
    assert refusal(load, TRUSTED_PROXIES=network).startswith("keyhouse: TRUSTED_PROXIES: entry 1 is not an IP address")


@pytest.mark.parametrize("path", ["/keyhouse", "/a/b"])
def test_public_url_has_no_path(load, path: str):
    line = refusal(load, PUBLIC_URL=f"https://api.example.com{path}")
    assert line.startswith("keyhouse: PUBLIC_URL: must not have a path")


def test_urls_are_canonical(load):
    environment = load(PUBLIC_URL="HTTPS://API.Example.com:443", APPLICATION_URL="https://App.Example.com:443/Account")
    assert environment.own_url == "https://api.example.com"
    assert environment.links_url == "https://app.example.com/Account"
