"""A client that verifies keys with a running Keyhouse server, as a service does, on a persistent connection."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

VERIFY = "/api/v1/keys/verify"
VERIFY_BATCH = "/api/v1/keys/verify-batch"
RETRY_SECONDS_MAXIMUM = 60.0
PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Reply:
    """A response, with the times between which it was decided."""

    started: float
    ended: float
    status: int
    retry_after: str | None
    content: dict[str, Any]

    @property
    def code(self) -> str:
        """The verdict's code, empty if there is no verdict."""
        return str(self.content.get("code", ""))


class Asker:
    """A client with a service key. It uses plain `http.client`, so that many clients take little CPU time."""

    def __init__(self, url: str, service_key: str, seconds: float = 30) -> None:
        address = urlsplit(url)
        self._connection = HTTPConnection(address.hostname or "", address.port, timeout=seconds)
        self._headers = {"X-API-Key": service_key, "Content-Type": "application/json"}

    def verify(self, secret: str, **query: Any) -> Reply:
        """Send one verification query. Raises the connection's errors."""
        return self._post(VERIFY, {"key": secret, **query})

    def verify_batch(self, queries: Sequence[dict[str, Any]]) -> Reply:
        """Send a batch of verification queries."""
        return self._post(VERIFY_BATCH, {"items": queries})

    def verify_until_answered(self, secret: str, **query: Any) -> Reply:
        """Send the query, and retry it after a lost connection or a 503, until there is a verdict."""
        deadline = time.monotonic() + RETRY_SECONDS_MAXIMUM
        while time.monotonic() < deadline:
            try:
                reply = self.verify(secret, **query)
            except (OSError, HTTPException):
                self._connection.close()
            else:
                if reply.status == 200:
                    return reply
                assert reply.status == 503, reply
                assert int(reply.retry_after or 0) >= 1
            time.sleep(PAUSE_SECONDS)
        raise AssertionError(f"no verdict in {RETRY_SECONDS_MAXIMUM} seconds")

    def _post(self, path: str, body: dict[str, Any]) -> Reply:
        started = time.monotonic()
        self._connection.request("POST", path, json.dumps(body).encode(), self._headers)
        response = self._connection.getresponse()
        content = json.loads(response.read())
        return Reply(started, time.monotonic(), response.status, response.getheader("retry-after"), content)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._connection.close()
