"""Mail: the server, the sender, and Django's MAILERS."""

import re
from email.headerregistry import Address, AddressHeader
from typing import Annotated, Any
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import AfterValidator, SecretStr

from config.environment.addresses import AddressSettings
from config.environment.variables import matching

# For each step of the SMTP dialogue, which has about ten.
STEP_TIMEOUT_SECONDS = 10
PORTS = {"smtp": 587, "smtps": 465}
STARTTLS = {"starttls=true": True, "starttls=false": False, "": True}

ProductName = Annotated[
    str,
    matching(
        r"\w([\w .&+'-]{0,58}[\w.])?", "must be at most 60 letters, digits, spaces and .&+'-, a letter or digit first"
    ),
]


def mail_url(value: SecretStr) -> SecretStr:
    """Return the URL, unchanged. Raises ValueError, without the value, unless it is the URL of a mail server."""
    url = value.get_secret_value()
    try:
        is_valid = not url or _is_mail_server(urlsplit(url))
    except ValueError:  # an invalid port or IPv6 address
        is_valid = False
    if not is_valid:
        raise ValueError("must be a URL such as smtp://user:password@mail.example.com:587 or smtps://…:465")
    return value


def mailbox(value: str) -> str:
    """Return the mailbox, an address with an optional name; it may be empty. Raises ValueError."""
    if value and not _is_mailbox(value):
        raise ValueError("must be one address, such as Example <no-reply@example.com>")
    return value


MailUrl = Annotated[SecretStr, AfterValidator(mail_url)]
Mailbox = Annotated[str, AfterValidator(mailbox)]


class MailSettings(AddressSettings):
    """Mail. Without MAIL_URL, messages are printed in development, and are not delivered in production."""

    product_name: ProductName = "Keyhouse"
    mail_url: MailUrl = SecretStr("")
    mail_from: Mailbox = ""

    @property
    def mail_sender(self) -> str:
        """The sender of messages."""
        return self.mail_from or default_sender(self.product_name, self.own_url)


def mailers(url: SecretStr, *, to_console: bool) -> dict[str, dict[str, Any]]:
    """Return MAILERS: the server of `url`; without a URL the console, or none.

    `smtp://user:password@host:587` requires STARTTLS unless `?starttls=false`; `smtps://user:password@host:465` uses
    TLS from the start. Certificates are verified. User and password are percent-encoded.
    """
    if url.get_secret_value():
        return {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": _options(url)}}
    return {"default": {"BACKEND": "config.mail_console.EmailBackend"}} if to_console else {}


def default_sender(product_name: str, url: str) -> str:
    """Return the no-reply address of the product at the host of its URL."""
    host = urlsplit(url).hostname or ""
    # An IP address is not a domain that mail could come from.
    is_domain = re.fullmatch(r"[a-z0-9.-]*[a-z][a-z0-9.-]*", host) is not None
    return str(Address(product_name, addr_spec=f"no-reply@{host if is_domain else 'localhost'}"))


def _is_mail_server(parts: SplitResult) -> bool:
    return (
        parts.scheme in PORTS
        and bool(parts.hostname)
        and parts.port != 0
        and parts.path in {"", "/"}
        and not parts.fragment
        and parts.query in (STARTTLS if parts.scheme == "smtp" else {""})
        and bool(parts.username) == bool(parts.password)
    )


def _is_mailbox(value: str) -> bool:
    if not value.isprintable():
        return False
    parsed = AddressHeader.value_parser(value)
    boxes = parsed.all_mailboxes
    return len(boxes) == 1 and not parsed.all_defects and bool(boxes[0].domain)


def _options(url: SecretStr) -> dict[str, Any]:
    parts = urlsplit(url.get_secret_value())
    uses_tls_at_once = parts.scheme == "smtps"
    return {
        "host": parts.hostname,
        "port": parts.port or PORTS[parts.scheme],
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_ssl": uses_tls_at_once,
        "use_tls": not uses_tls_at_once and STARTTLS[parts.query],
        "timeout": STEP_TIMEOUT_SECONDS,
    }
