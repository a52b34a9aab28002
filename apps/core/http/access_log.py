"""The access log: one line for each request, also for those whose client disconnected."""

import logging
from time import perf_counter
from urllib.parse import quote

from apps.core.http.asgi import Message, Scope, Send
from apps.core.request_context import current_request

CLIENT_CLOSED_REQUEST = 499  # as nginx logs a client that has disconnected before the response

access_logger = logging.getLogger("keyhouse.access")


class LoggedResponse:
    """Passes a response on, and logs its request when it is complete, or when it ends without one."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._status = CLIENT_CLOSED_REQUEST
        self._started = perf_counter()
        self._is_logged = False

    async def send(self, message: Message) -> None:
        """Send one message of the response."""
        await self._send(message)
        if message["type"] == "http.response.start":
            self._status = message["status"]
        elif not message.get("more_body", False):
            self.end()

    def end(self) -> None:
        """Log the request, unless that has happened."""
        if not self._is_logged:
            self._is_logged = True
            _log(self._scope, self._status, perf_counter() - self._started)


def _log(scope: Scope, status: int, seconds: float) -> None:
    context = current_request()
    # Without the query, which may contain a secret. Encoded, because a line feed in the path would forge a log line.
    path = quote(scope["path"], errors="replace")
    access_logger.info(
        "%s %s %d %.1fms",
        scope["method"], path, status, seconds * 1000,
        extra={
            "method": scope["method"], "path": path, "status": status,
            "duration_ms": round(seconds * 1000, 2), "request_id": context.request_id, "client": context.client_address,
        },
    )  # fmt: skip
