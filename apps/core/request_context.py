"""The identity of the current request, from its connection and headers, for logs and the audit trail."""

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass

REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
USER_AGENT_LENGTH_MAXIMUM = 300
REQUEST_ID_DIGITS = 32
PREPARED_IDS = 256  # from the system at once: a call for each costs as much as parsing a request
_prepared: list[str] = []


@dataclass(frozen=True, slots=True)
class RequestContext:
    """A request's id, the client's address behind trusted proxies, and the client's user agent."""

    request_id: str = ""
    client_address: str | None = None
    user_agent: str = ""


NO_REQUEST = RequestContext()
_current: ContextVar[RequestContext] = ContextVar("request_context", default=NO_REQUEST)


def current_request() -> RequestContext:
    """Return the context of the current request, or NO_REQUEST outside a request."""
    return _current.get()


def enter_request(context: RequestContext) -> None:
    """Set the context of the request that the running task serves."""
    _current.set(context)


def request_id_from(header: str | None) -> str:
    """Return the client's request id if it is safe to log and to return, or else a new one."""
    return header if header and REQUEST_ID_PATTERN.fullmatch(header) else new_request_id()


def new_request_id() -> str:
    """Return a new id, of 128 random bits."""
    if not _prepared:
        digits = secrets.token_hex(PREPARED_IDS * REQUEST_ID_DIGITS // 2)
        starts = range(0, len(digits), REQUEST_ID_DIGITS)
        _prepared.extend([digits[start : start + REQUEST_ID_DIGITS] for start in starts])
    return _prepared.pop()
