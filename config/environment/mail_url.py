"""Turns MAIL_URL into Django's MAILERS."""

from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

# For each step of the conversation with the mail server, of which there are about ten.
STEP_TIMEOUT_SECONDS = 10
PORTS = {"smtp": 587, "smtps": 465}
STARTTLS = {"starttls=true": True, "starttls=false": False, "": True}


def mailers(url: SecretStr, *, to_console: bool) -> dict[str, dict[str, Any]]:
    """Return MAILERS: the server that `url` names; without one the console, or none at all.

    `smtp://user:password@host:587` demands STARTTLS unless `?starttls=false`; `smtps://user:password@host:465` speaks
    TLS from the first byte. Certificates are checked. User and password are percent-encoded.
    """
    if url.get_secret_value():
        return {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": _options(url)}}
    return {"default": {"BACKEND": "config.mail_console.EmailBackend"}} if to_console else {}


def mail_url(value: SecretStr) -> SecretStr:
    """Return the URL, unchanged. Raises ValueError, without the value, when it names no mail server."""
    url = value.get_secret_value()
    try:
        is_understood = not url or _is_understood(urlsplit(url))
    except ValueError:  # a port or an IPv6 address that is none
        is_understood = False
    if not is_understood:
        raise ValueError("must be a URL such as smtp://user:password@mail.example.com:587 or smtps://…:465")
    return value


def _is_understood(parts: SplitResult) -> bool:
    return (
        parts.scheme in PORTS
        and bool(parts.hostname)
        and parts.port != 0
        and parts.path in {"", "/"}
        and not parts.fragment
        and parts.query in (STARTTLS if parts.scheme == "smtp" else {""})
        and bool(parts.username) == bool(parts.password)
    )


def _options(url: SecretStr) -> dict[str, Any]:
    parts = urlsplit(url.get_secret_value())
    speaks_tls_at_once = parts.scheme == "smtps"
    return {
        "host": parts.hostname,
        "port": parts.port or PORTS[parts.scheme],
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_ssl": speaks_tls_at_once,
        "use_tls": not speaks_tls_at_once and STARTTLS[parts.query],
        "timeout": STEP_TIMEOUT_SECONDS,
    }
