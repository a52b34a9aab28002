"""Sends requests to providers and parses their JSON, without redirects, with short timeouts and bounded sizes."""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from ssl import SSLContext
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import httpx

from apps.core.crypto.passwords import run_in_hashing_thread
from apps.core.database.open_transaction import refuse_in_transaction
from apps.identities.domain.provider import InvalidProviderResponse, ProviderUnavailable

RESPONSE_BYTES_MAXIMUM = 256 * 1024
CONNECT_SECONDS = 2.0
EXCHANGE_SECONDS = 5.0
AGENT = "Keyhouse"


class ProviderResponse(NamedTuple):
    """The status, and the parsed JSON."""

    status: int
    content: Any


class ProviderHttp:
    """One client for all providers. Each request has its own connection, so nothing of one sign-in reaches another.

    Every method raises ProviderUnavailable, and InvalidProviderResponse for a response that is not JSON, too long, or a
    redirect.
    """

    def __init__(self, exchange_seconds: float = EXCHANGE_SECONDS) -> None:
        self._exchange_seconds = exchange_seconds
        self._tls: SSLContext | None = None

    async def get(self, url: str, access_token: str | None = None) -> Any:
        """Return the JSON at this URL; raises InvalidProviderResponse unless the status is 200."""
        headers = {"Authorization": f"Bearer {access_token}"} if access_token else {}
        status, content = await self._exchange("GET", url, headers=headers)
        if status != HTTPStatus.OK:
            raise InvalidProviderResponse(f"status {status}")
        return content

    async def post_form(
        self, url: str, fields: Mapping[str, str], basic: tuple[str, str] | None = None
    ) -> ProviderResponse:
        """Post a form and return the response with any status; `basic` is the client's id and secret."""
        return await self._exchange("POST", url, data=dict(fields), auth=_basic(basic) if basic else None)

    async def _exchange(self, method: str, url: str, **options: Any) -> ProviderResponse:
        refuse_in_transaction("another server")
        try:
            async with (
                asyncio.timeout(self._exchange_seconds),
                await self._client() as client,
                client.stream(method, url, **options) as response,
            ):
                return _parsed(response.status_code, await _body(response))
        except (httpx.TransportError, TimeoutError) as error:
            raise ProviderUnavailable(type(error).__name__) from error
        except httpx.HTTPError as error:
            raise InvalidProviderResponse(type(error).__name__) from error

    async def _client(self) -> httpx.AsyncClient:
        if self._tls is None:
            # Loading the certificate authorities reads files and blocks, so it runs on a thread.
            self._tls = await run_in_hashing_thread(httpx.create_ssl_context)
        timeout = httpx.Timeout(self._exchange_seconds, connect=CONNECT_SECONDS)
        # Not compressed: a small response could expand beyond the maximum before it can be measured.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": AGENT}
        return httpx.AsyncClient(verify=self._tls, timeout=timeout, headers=headers, follow_redirects=False)


def json_object(value: Any, what: str) -> dict[str, Any]:
    """Return a JSON object of a provider; raises InvalidProviderResponse with `what` for anything else."""
    if not isinstance(value, dict):
        raise InvalidProviderResponse(what)
    return value


def ascii_text(value: Any, what: str, length_maximum: int = RESPONSE_BYTES_MAXIMUM) -> str:
    """Return the value if it is a string of printable ASCII; otherwise raise InvalidProviderResponse with `what`."""
    if not isinstance(value, str) or not 0 < len(value) <= length_maximum or not is_printable_ascii(value):
        raise InvalidProviderResponse(what)
    return value


def is_printable_ascii(text: str) -> bool:
    """Return whether the text contains only printable ASCII characters."""
    return text.isprintable() and text.isascii()


async def _body(response: httpx.Response) -> bytes:
    if "content-encoding" in response.headers:
        raise InvalidProviderResponse("compressed")
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > RESPONSE_BYTES_MAXIMUM:
            raise InvalidProviderResponse("too long")
    return bytes(body)


def _parsed(status: int, body: bytes) -> ProviderResponse:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        raise ProviderUnavailable(f"status {status}")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise InvalidProviderResponse(f"status {status}")
    try:
        return ProviderResponse(status, json.loads(body))
    except (ValueError, RecursionError) as error:
        raise InvalidProviderResponse(f"status {status}, no JSON") from error


def _basic(client: tuple[str, str]) -> httpx.BasicAuth:
    # RFC 6749, 2.3.1: both are form-encoded before they are joined.
    name, secret = client
    return httpx.BasicAuth(quote_plus(name), quote_plus(secret))
