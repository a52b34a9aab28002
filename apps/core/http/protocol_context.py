"""What the connections of a worker share: settings, inline operations, the access log, the encoding of responses."""

from collections.abc import Mapping
from enum import Enum
from http import HTTPStatus
from urllib.parse import quote

from apps.core.http.access_log import AccessLog
from apps.core.http.asgi import Headers
from apps.core.http.asgi_messages import RawResponse
from apps.core.http.browser_headers import VARY_ORIGIN, security_headers
from apps.core.http.connections import ConnectionTable
from apps.core.http.error_responses import JSON_CONTENT_TYPE
from apps.core.http.forwarded import ForwardedClients
from apps.core.http.http_settings import HttpSettings
from apps.core.http.inline_requests import InlineOperation

STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
CLOSE = b"connection: close\r\n"
JSON_HEADERS: Headers = [(b"content-type", JSON_CONTENT_TYPE.encode()), (b"cache-control", b"no-store")]
LOGGED_PATH_MAXIMUM = 1000


class Phase(Enum):
    """What has been received of the client's next request."""

    NOTHING = 0
    HEAD = 1
    BODY = 2


class ProtocolContext:
    """What the connections of a worker share."""

    def __init__(
        self,
        settings: HttpSettings,
        connections: ConnectionTable,
        operations: Mapping[str, InlineOperation],
        access_log: AccessLog | None = None,
    ) -> None:
        self.settings = settings
        self.connections = connections
        self.operations = {path.encode(): operation for path, operation in operations.items()}
        self.access_log = access_log
        self.clients = ForwardedClients(settings.trusted_proxies)
        vary = VARY_ORIGIN if settings.allowed_origins else []
        # The headers of every response of the API application.
        self._common = {
            scheme: encoded([*security_headers({"scheme": scheme}, settings), *vary]) + b"\r\n"
            for scheme in ("http", "https")
        }
        self._server_headers: Headers = []
        self._encoded_server_headers = b""
        self._json_begin = b""

    def encoded_response(
        self, response: RawResponse, request_id: str, scheme: str, server_headers: Headers, *, keep_alive: bool
    ) -> bytes:
        """Return the response as bytes of HTTP/1.1, with the headers that the API application adds."""
        if server_headers is not self._server_headers:
            self._encode(server_headers)
        status, headers, body, _ = response
        lines = [STATUS_LINES[status], self._encoded_server_headers]
        lines += [b"%b: %b\r\n" % each for each in headers]
        lines += [
            b"x-request-id: %b\r\n" % request_id.encode(),
            b"" if keep_alive else CLOSE,
            self._common[scheme],
            body,
        ]
        return b"".join(lines)

    def encoded_json(
        self, content: bytes, request_id: str, scheme: str, server_headers: Headers, *, keep_alive: bool
    ) -> bytes:
        """Return the response with status 200 and this JSON, as `encoded_response` does for that of the API."""
        if server_headers is not self._server_headers:
            self._encode(server_headers)
        return b"%b%d\r\nx-request-id: %b\r\n%b%b%b" % (
            self._json_begin,
            len(content),
            request_id.encode(),
            b"" if keep_alive else CLOSE,
            self._common[scheme],
            content,
        )

    def _encode(self, server_headers: Headers) -> None:
        # uvicorn replaces them, the date, each second.
        self._server_headers = server_headers
        self._encoded_server_headers = encoded(server_headers)
        self._json_begin = STATUS_LINES[HTTPStatus.OK] + self._encoded_server_headers + encoded(JSON_HEADERS)
        self._json_begin += b"content-length: "

    def log(self, method: bytes, target: bytes, status: int, request_id: str, client: str | None) -> None:
        """Log a request that no application and no operation gets."""
        if self.access_log is not None:
            path = quote(target.partition(b"?")[0][:LOGGED_PATH_MAXIMUM])
            self.access_log.add(method.decode(), path, status, 0.0, request_id, client)


def encoded(headers: Headers) -> bytes:
    """Return header lines."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])
