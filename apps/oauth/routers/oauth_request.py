"""Reads and documents the forms of the OAuth endpoints, and converts errors to OAuth error responses."""

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import orjson
from django.http import HttpRequest, HttpResponse

from apps.core.errors import DomainError
from apps.core.http.error_responses import JSON_CONTENT_TYPE, to_domain_error
from apps.core.http.query_parameters import ignore_unknown_parameters
from apps.core.rate_limits.response_headers import record_rate_limits
from apps.oauth.services.oauth_errors import ClientLimited, OAuthError

FORM_TYPE = "application/x-www-form-urlencoded"
FORM_BYTES_MAXIMUM = 16 * 1024
FIELDS_MAXIMUM = 20
NOT_DESCRIBABLE = re.compile(r'[^ -~]|["\\]')  # RFC 6749, 5.2

View = Callable[..., Awaitable[Any]]


def form_body(required: str, fields: dict[str, str]) -> dict[str, Any]:
    """Return Ninja's `openapi_extra` for an operation whose body is a form with these fields, one of them required."""
    properties = {name: {"type": "string", "description": description} for name, description in fields.items()}
    schema = {"type": "object", "properties": properties, "required": [required]}
    return {"requestBody": {"required": True, "content": {FORM_TYPE: {"schema": schema}}}}


def read_form(request: HttpRequest) -> dict[str, str]:
    """Return the body's parameters without empty ones, which count as omitted (RFC 6749, 3.2).

    Raises OAuthError for another type of body, one that is too long or not UTF-8, and a repeated parameter.
    """
    if request.content_type != FORM_TYPE:
        raise OAuthError(f"Send the body as {FORM_TYPE}.")
    if len(request.body) > FORM_BYTES_MAXIMUM:
        raise OAuthError(f"The body must have at most {FORM_BYTES_MAXIMUM} bytes.")
    try:
        pairs = parse_qsl(request.body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAXIMUM)
    except ValueError as error:
        raise OAuthError(f"The body must be a form in UTF-8 with at most {FIELDS_MAXIMUM} parameters.") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise OAuthError("A parameter is repeated. Send each parameter once.")
    return {name: value for name, value in form.items() if value}


def authorization_of(request: HttpRequest) -> str:
    """Return the Authorization header, or an empty text."""
    return request.headers.get("Authorization", "").strip()


def with_oauth_errors(view: View) -> View:
    """Decorate an operation to return errors as RFC 6749 defines (5.2) instead of in the API's error envelope.

    Unknown parameters are ignored, as 3.2 requires.
    """

    @ignore_unknown_parameters
    @wraps(view)
    async def respond(request: HttpRequest, *args: Any, **values: Any) -> Any:
        try:
            return await view(request, *args, **values)
        except Exception as exception:  # noqa: BLE001  every error becomes a response
            if isinstance(exception, ClientLimited):
                record_rate_limits(request, exception.rate_limits)
            return oauth_error_response(to_domain_error(exception))

    return respond


def oauth_error_response(error: DomainError) -> HttpResponse:
    """Return the error as a response.

    RFC 6749 has no code for a client that must wait: the code is `temporarily_unavailable`, with 429 or 503 and
    Retry-After.
    """
    code, status = _code(error)
    body = {"error": code, "error_description": NOT_DESCRIBABLE.sub("'", error.public_message)}
    content = orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)
    return HttpResponse(content, status=status, content_type=JSON_CONTENT_TYPE, headers=_headers(error))


def _code(error: DomainError) -> tuple[str, int]:
    if isinstance(error, OAuthError):
        return error.code, error.status
    if error.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        return "temporarily_unavailable", error.status
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "server_error", error.status
    return OAuthError.code, OAuthError.status


def _headers(error: DomainError) -> dict[str, str]:
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    if isinstance(error, OAuthError) and error.challenge:
        headers["WWW-Authenticate"] = error.challenge
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(max(1, error.retry_after_seconds))
    return headers
