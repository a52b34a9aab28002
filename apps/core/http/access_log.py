"""The access log: one line for each request, also for those whose client disconnected.

A line through `logging` costs as much as the rest of a short request, and a thread that writes it fights for the
interpreter with the event loop. So lines are collected, and written once for each turn of the loop.
"""

import asyncio
from datetime import UTC, datetime
from time import perf_counter, time
from urllib.parse import quote

import orjson

from apps.core.http.asgi import Message, Scope, Send
from apps.core.http.log_output import LogOutput
from apps.core.request_context import current_request

CLIENT_CLOSED_REQUEST = 499  # as nginx logs a client that has disconnected before the response
NAME = "keyhouse.access"
# What waits for a reader of standard error. Further lines are dropped and counted.
WAITING_BYTES_MAXIMUM = 1024 * 1024
RETRY_SECONDS = 0.1
FLUSH_SECONDS_MAXIMUM = 2.0


class AccessLog:
    """Collects the lines of one process, and writes them as `logging` formats its own (config/logging.py)."""

    def __init__(self, output: LogOutput, *, as_json: bool) -> None:
        self._output = output
        self._as_json = as_json
        self._lines: list[bytes] = []
        self._waiting = bytearray()
        self._dropped = 0
        self._time = b""
        self._is_scheduled = False

    def add(self, method: str, path: str, status: int, seconds: float, request_id: str, client: str | None) -> None:
        """Log a request. `path` is percent-encoded and has no query: it may contain a secret."""
        if not self._is_scheduled:
            self._is_scheduled = True
            self._time = _now()
            asyncio.get_running_loop().call_soon(self._write)
        if not self._as_json:
            self._lines.append(
                b"%b INFO    keyhouse.access %b %b %d %.1fms\n"
                % (self._time, method.encode(), path.encode(), status, seconds * 1000)
            )
            return
        fields = {
            "asctime": self._time.decode(), "levelname": "INFO", "name": NAME,
            "message": f"{method} {path} {status} {seconds * 1000:.1f}ms",
            "method": method, "path": path, "status": status, "duration_ms": round(seconds * 1000, 2),
            "request_id": request_id, "client": client,
        }  # fmt: skip
        self._lines.append(orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE))

    def flush(self) -> None:
        """Write what waits, for up to FLUSH_SECONDS_MAXIMUM. For the end of the process."""
        self._collect()
        end = perf_counter() + FLUSH_SECONDS_MAXIMUM
        while self._waiting and perf_counter() < end:
            del self._waiting[: self._output.write(self._waiting)]
            if self._waiting:
                self._output.wait(RETRY_SECONDS)
            self._collect()

    def _write(self) -> None:
        self._is_scheduled = False
        self._collect()
        del self._waiting[: self._output.write(self._waiting)]
        if (self._waiting or self._dropped) and not self._is_scheduled:
            self._is_scheduled = True
            self._time = _now()
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self._write)

    def _collect(self) -> None:
        """Move the new lines to what waits, as far as there is room; then say how many have been dropped."""
        lines, self._lines = self._lines, []
        new = b"".join(lines)
        if len(self._waiting) + len(new) > WAITING_BYTES_MAXIMUM:
            self._dropped += len(lines)
            return
        if self._dropped and len(self._waiting) < WAITING_BYTES_MAXIMUM // 2:
            new = self._notice() + new
            self._dropped = 0
        self._waiting += new

    def _notice(self) -> bytes:
        text = f"{self._dropped} lines were dropped, because standard error was not read"
        self._time = _now()
        if self._as_json:
            common = {"asctime": self._time.decode(), "levelname": "WARNING", "name": NAME, "message": text}
            return orjson.dumps({**common, "dropped": self._dropped}, option=orjson.OPT_APPEND_NEWLINE)
        return b"%b WARNING %b %b\n" % (self._time, NAME.encode(), text.encode())


class LoggedResponse:
    """Passes a response on, and logs its request when it is complete, or when it ends without one."""

    def __init__(self, scope: Scope, send: Send, log: AccessLog) -> None:
        self._scope = scope
        self._send = send
        self._log = log
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
        if self._is_logged:
            return
        self._is_logged = True
        context = current_request()
        seconds = perf_counter() - self._started
        self._log.add(
            # Encoded, because a line feed would forge a log line.
            quote(self._scope["method"]),
            quote(self._scope["path"], errors="replace"),
            self._status,
            seconds,
            context.request_id,
            context.client_address,
        )


def _now() -> bytes:
    return datetime.fromtimestamp(time(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
