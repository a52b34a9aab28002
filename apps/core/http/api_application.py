"""The API application: serves async views with Django's request, URL resolver and response.

Django's own ASGI handler uses a thread for each request, for signals and for synchronous middleware. The API needs none
of them, so this handler reads the body, resolves the view, awaits it and sends the response on the event loop.
"""

import asyncio
from collections.abc import AsyncGenerator
from functools import lru_cache, partial
from http import HTTPStatus
from io import BytesIO
from urllib.parse import unquote_to_bytes

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import ResolverMatch, get_resolver

from apps.core.errors import MalformedRequest, MethodNotAllowed, Unavailable
from apps.core.http.asgi import Headers, Receive, Scope, Send
from apps.core.http.asgi_messages import RawResponse, raw_response
from apps.core.http.browser_headers import cross_origin_headers, is_preflight, preflight_headers, security_headers
from apps.core.http.cancellation import ClientDisconnected, Deadline, DisconnectWatch
from apps.core.http.conditional_requests import entity_tag_headers
from apps.core.http.error_responses import error_response, to_domain_error
from apps.core.http.http_settings import HttpSettings
from apps.core.http.request_body import BodyReader
from apps.core.http.request_head import checked_head, redirect_to_https
from apps.core.rate_limits.response_headers import recorded_rate_limit_headers
from apps.core.request_context import current_request

ROUTES_CACHED = 128  # few, because paths may be long; the least recently used are evicted


class ApiApplication:
    """An ASGI application that serves the views of Django's URL configuration without threads."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._bodies = BodyReader(settings.body_bytes_maximum)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        deadline = Deadline(self._settings.response_seconds_maximum, partial(self._send_timeout, scope, send))
        try:
            response = await self._respond(scope, receive)
        except ClientDisconnected:
            return
        except asyncio.CancelledError:
            if deadline.has_passed:
                await deadline.response_sent()
                return
            raise
        finally:
            deadline.cancel()
        await self._send(scope, response, send, more=response.chunks is not None)
        if response.chunks is not None:
            await _stream(response.chunks, receive, send, has_body=scope["method"] != "HEAD")

    async def _send_timeout(self, scope: Scope, send: Send) -> None:
        response = error_response(Unavailable("The request timed out. Retry shortly."))
        await self._send(scope, raw_response(response), send)

    async def _respond(self, scope: Scope, receive: Receive) -> RawResponse:
        try:
            head = checked_head(scope, self._settings)
            response = redirect_to_https(scope, self._settings) or self._preflight(scope)
            if response:
                return raw_response(response)
            body = await self._bodies.read(head, receive)
            with DisconnectWatch(receive):
                return raw_response(await _call_view(_request(scope, body)))
        except ClientDisconnected:
            raise
        except Exception as exception:  # noqa: BLE001  every exception becomes an error response
            return raw_response(error_response(to_domain_error(exception)))

    def _preflight(self, scope: Scope) -> HttpResponse | None:
        if not is_preflight(scope):
            return None
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers=preflight_headers(scope, self._settings))

    async def _send(self, scope: Scope, response: RawResponse, send: Send, *, more: bool = False) -> None:
        headers: Headers = [
            *response.headers,
            (b"x-request-id", current_request().request_id.encode()),
            *security_headers(scope, self._settings),
            *cross_origin_headers(scope, self._settings),
        ]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else response.body
        await send({"type": "http.response.body", "body": body, "more_body": more})


async def _stream(chunks: AsyncGenerator[bytes], receive: Receive, send: Send, *, has_body: bool) -> None:
    """Send the chunks, each when the client has read most of those before. Stops when the client disconnects."""
    try:
        with DisconnectWatch(receive):
            while has_body and (chunk := await anext(chunks, None)) is not None:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except ClientDisconnected:
        return
    finally:
        await chunks.aclose()
    await send({"type": "http.response.body", "body": b""})


def _request(scope: Scope, body: bytes) -> ASGIRequest:
    _require_utf8(scope)
    as_get = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
    request = ASGIRequest(as_get, BytesIO(body))
    request.method = as_get["method"]  # methods are case-sensitive (RFC 9110, 9.1); Django converts them to upper case
    request._body = body  # already read: `request.body` would copy it from the stream
    return request


def _require_utf8(scope: Scope) -> None:
    # Later decoders would replace invalid UTF-8 by other characters.
    try:
        for part in (scope.get("raw_path") or b"", scope["query_string"]):
            unquote_to_bytes(part).decode()
    except UnicodeDecodeError as error:
        raise MalformedRequest("The URL is not valid UTF-8.") from error


async def _call_view(request: HttpRequest) -> HttpResponse:
    match = _resolve(request.path_info)
    request.resolver_match = match
    response: HttpResponse = await match.func(request, *match.args, **match.kwargs)
    for name, value in {**recorded_rate_limit_headers(request), **entity_tag_headers(request)}.items():
        response[name] = value
    if isinstance(response, HttpResponseNotAllowed):
        return _not_allowed(response)
    return response


@lru_cache(maxsize=ROUTES_CACHED)
def _resolve(path: str) -> ResolverMatch:
    # Django compares a path with every URL pattern, which takes as long as the rest of a short request.
    return get_resolver().resolve(path)


def _not_allowed(response: HttpResponse) -> HttpResponse:
    envelope = error_response(MethodNotAllowed())
    envelope["Allow"] = response["Allow"]
    return envelope
