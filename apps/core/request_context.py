"""Who is asking, as far as the connection tells: kept for the length of a request, for logs and audit."""

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass

REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
USER_AGENT_LENGTH_MAXIMUM = 300


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request's identity: its id, the client's address behind trusted proxies, and its agent."""

    request_id: str = ""
    client_address: str | None = None
    user_agent: str = ""


NO_REQUEST = RequestContext()
_current: ContextVar[RequestContext] = ContextVar("request_context", default=NO_REQUEST)


def current_request() -> RequestContext:
    """Return the request being served, or an empty one outside any request."""
    return _current.get()


def enter_request(context: RequestContext) -> None:
    """Make `context` the current request for the running task."""
    _current.set(context)


def request_id_from(header: str | None) -> str:
    """Return the client's request id if it is harmless to echo and log, else a new one."""
    return header if header and REQUEST_ID_PATTERN.fullmatch(header) else secrets.token_hex(16)
