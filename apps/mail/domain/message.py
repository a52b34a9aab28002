"""Messages that a service wants sent by mail, and the links in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote, urlencode

from django.conf import settings

DAY_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class MailMessage:
    """One message to one recipient, rendered from the templates `mail/<kind>.*` with `context`.

    `key` makes it idempotent: a key is enqueued once. It names what the message is about (the id of a token, of an
    event), never the moment, in up to 200 characters. `user_id` is the account that the message concerns, None for a
    recipient who has none. A message that could not be sent within `lifetime_seconds` is never sent: give it the
    lifetime of the link in it.
    """

    kind: str
    recipient: str
    key: str
    user_id: int | None
    # Holds links with single-use tokens.
    context: Mapping[str, str] = field(repr=False)
    lifetime_seconds: int = DAY_SECONDS


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A message that this worker sends; `attempts` includes this one."""

    id: int
    kind: str
    recipient: str = field(repr=False)
    context_encrypted: bytes | None = field(repr=False)
    created_at: datetime
    attempts: int


class MessageAllowance(NamedTuple):
    """Up to `maximum` messages of some kinds within `seconds`."""

    maximum: int
    seconds: int


ONE_A_MINUTE, FIVE_AN_HOUR = MessageAllowance(1, 60), MessageAllowance(5, 3600)


def message_key(kind: str, token: str) -> str:
    """Return the key of the one message that holds a single-use token; it does not reveal the token."""
    return f"{kind}:{sha256(token.encode()).hexdigest()}"


def link_to(page: str, **fragment: str) -> str:
    """Return `{APPLICATION_URL}/account/{page}#name=value&…`.

    The base address is the operator's setting, never the Host header of a request, which the client chooses. Single-use
    tokens travel in the fragment, which browsers send to no server: it appears in no log and no Referer header.
    """
    address = f"{settings.APPLICATION_URL}/account/{quote(page)}"
    return f"{address}#{urlencode(fragment, quote_via=quote)}" if fragment else address
