"""Messages to send by mail, and the links in them."""

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

    `key` makes enqueueing idempotent: a key is enqueued once. It identifies the subject of the message (the id of a
    token or an event), never the time, in up to 200 characters. `user_id` is the account that it concerns, None for a
    recipient without an account. A message that could not be sent within `lifetime_seconds` is never sent: pass the
    lifetime of the link in it. It is sent `delay_seconds` from now at the earliest.
    """

    kind: str
    recipient: str
    key: str
    user_id: int | None
    # Contains links with one-time tokens.
    context: Mapping[str, str] = field(repr=False)
    lifetime_seconds: int = DAY_SECONDS
    delay_seconds: int = 0


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A message that this worker has claimed; `attempts` includes this one."""

    id: int
    kind: str
    recipient: str = field(repr=False)
    context_encrypted: bytes | None = field(repr=False)
    created_at: datetime
    attempts: int


class WaitingMessage(NamedTuple):
    """A locked message that no worker has claimed, with its context."""

    id: int
    context: dict[str, str]


class MessageAllowance(NamedTuple):
    """Up to `maximum` messages of some kinds within `seconds`."""

    maximum: int
    seconds: int


ONE_A_MINUTE, FIVE_AN_HOUR = MessageAllowance(1, 60), MessageAllowance(5, 3600)


def message_key(kind: str, token: str) -> str:
    """Return the key of the message that contains this one-time token; it does not reveal the token."""
    return f"{kind}:{sha256(token.encode()).hexdigest()}"


def link_to(page: str, **fragment: str) -> str:
    """Return `{APPLICATION_URL}/account/{page}#name=value&…`.

    The base address is the operator's setting, never the Host header of a request, which the client chooses. One-time
    tokens are in the fragment, which browsers do not send, so that no log and no Referer header contains them.
    """
    return _link(settings.APPLICATION_URL, page, fragment)


def own_link_to(page: str, **fragment: str) -> str:
    """Return the link to Keyhouse's own page, for staff: the operator's application is for customers."""
    return _link(settings.PUBLIC_URL, page, fragment)


def _link(base: str, page: str, fragment: Mapping[str, str]) -> str:
    address = f"{base}/account/{quote(page)}"
    return f"{address}#{urlencode(fragment, quote_via=quote)}" if fragment else address
