"""Converts exceptions to HTTP responses, except OAuth errors (RFC 6749; `apps/oauth/routers/oauth_request.py`)."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from apps.core import errors
from apps.core.database.database_errors import DATABASE_UNAVAILABLE, log_unexpected
from apps.core.errors import DomainError, ErrorDetail
from apps.core.request_context import current_request

logger = logging.getLogger("keyhouse.errors")

JSON_CONTENT_TYPE = "application/json; charset=utf-8"
LOCATIONS = {"body", "query", "path", "header"}
# Limits the size of the response, which otherwise depends on what an anonymous client sends.
DETAILS_MAXIMUM = 20
KEY = "[key]"  # what pydantic adds to the location of a name in an object that is itself invalid
FIELD_LENGTH_MAXIMUM = 100


def render_error(error: DomainError, request_id: str | None = None) -> bytes:
    """Return the error envelope of `error` as JSON; without an id, with that of the current request."""
    return orjson.dumps(
        {
            "error": {
                "code": error.code,
                "message": error.public_message,
                "details": [
                    {"field": detail.field, "message": detail.message} for detail in error.details[:DETAILS_MAXIMUM]
                ],
                "request_id": request_id or current_request().request_id,
            }
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def error_headers(error: DomainError) -> dict[str, str]:
    """Return the headers of `error`: WWW-Authenticate (RFC 6750, 3), and Retry-After for 429 and 503 (RFC 9110)."""
    headers = dict(error.headers)
    if isinstance(error, errors.NotAuthenticated | errors.InsufficientScopes):
        headers["WWW-Authenticate"] = f'Bearer realm="keyhouse"{error.challenge}'
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(max(1, error.retry_after_seconds))
    return headers


def error_response(error: DomainError, request_id: str | None = None) -> HttpResponse:
    """Return `error` as an HTTP response; without an id, to the current request."""
    return HttpResponse(
        render_error(error, request_id),
        status=error.status,
        content_type=JSON_CONTENT_TYPE,
        headers=error_headers(error),
    )


def plain_error_response(error: DomainError) -> HttpResponse:
    """Return `error` as text, for browsers."""
    return HttpResponse(
        error.public_message,
        status=error.status,
        content_type="text/plain; charset=utf-8",
        headers=error_headers(error),
    )


def to_domain_error(exception: BaseException) -> DomainError:
    """Return the domain error that represents `exception` to the client. Logs unexpected exceptions."""
    match exception:
        case DomainError():
            return exception
        case ValidationError():
            return errors.ValidationFailed(details=[_detail(problem) for problem in exception.errors[:DETAILS_MAXIMUM]])
        case AuthenticationError():
            return errors.NotAuthenticated()
        case HttpError(status_code=400):
            return _malformed(exception)
        case Http404():
            return errors.NotFound()
        case SuspiciousOperation():  # of Django's request: more than a thousand parameters
            return errors.MalformedRequest("The request has too many parameters.")
        case _ if isinstance(exception, DATABASE_UNAVAILABLE):
            logger.warning("database unavailable: %s", type(exception).__name__)
            return errors.Unavailable("The database is unavailable. Retry shortly.")
        case _:
            return _unexpected(exception)


def install_error_handlers(api: NinjaAPI) -> None:
    """Make `api` respond to every exception with the error envelope."""

    def respond(_request: HttpRequest, exception: Any) -> HttpResponse:
        return error_response(to_domain_error(exception))

    for kind in (Exception, DomainError, ValidationError, HttpError, Http404):
        api.add_exception_handler(kind, respond)


def _malformed(exception: HttpError) -> DomainError:
    # Ninja wraps the exception of the body parser.
    cause = exception.__cause__
    return cause if isinstance(cause, DomainError) else errors.MalformedRequest("The body is not valid JSON.")


def _unexpected(exception: BaseException) -> DomainError:
    log_unexpected(exception)
    return errors.InternalError()


def _detail(problem: Mapping[str, Any]) -> ErrorDetail:
    return ErrorDetail(field=_field(problem["loc"]), message=problem["msg"].removeprefix("Value error, "))


def _field(location: Sequence[Any]) -> str:
    # Ninja's location is (location, parameter name, field…). Clients do not know the name of the body parameter.
    parts = list(location)
    if parts and parts[0] in LOCATIONS:
        location_name = parts.pop(0)
        if location_name == "body" and parts:
            parts.pop(0)
    if parts and parts[-1] == KEY:
        parts.pop()
    # The name of an unknown field comes from the client, and may be as long as the body.
    return ".".join(str(part) for part in parts)[:FIELD_LENGTH_MAXIMUM]
