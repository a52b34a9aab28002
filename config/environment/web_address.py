"""Addresses of web pages that the operator names: what links are built from."""

import re
from urllib.parse import SplitResult, urlsplit

EVERY_INTERFACE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  compared, not bound


def web_address(value: str) -> str:
    """Return the absolute http or https URL, which pages' paths may be added to; an empty one stands for none.

    Raises ValueError, without the value, unless it has a host and neither user, query, fragment nor slash at its end.
    """
    if value and not _is_base(value):
        raise ValueError(
            "must be a URL such as https://api.example.com, without user, query, fragment or slash at its end"
        )
    return value


def reachable(host: str) -> str:
    """Return the host, as it stands in a URL, at which a server that listens on `host` is found."""
    if host in EVERY_INTERFACE:
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _is_base(value: str) -> bool:
    if not re.fullmatch(r"[!-~]+", value) or any(mark in value for mark in "?#@\\<>\"'") or value.endswith("/"):
        return False
    try:
        return _names_a_host(urlsplit(value))
    except ValueError:  # a port or an IPv6 address that is none
        return False


def _names_a_host(parts: SplitResult) -> bool:
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
