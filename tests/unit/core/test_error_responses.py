"""The conversion of exceptions to HTTP responses."""

import json
import logging

import psycopg
import pytest
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from ninja.errors import AuthenticationError, HttpError, ValidationError
from psycopg_pool import PoolClosed, PoolTimeout
from psycopg_pool import TooManyRequests as PoolOverflow

from apps.core import errors
from apps.core.errors import ErrorDetail
from apps.core.http.error_responses import error_response, to_domain_error

pytestmark = pytest.mark.unit

CONTRACT = [
    (errors.MalformedRequest, 400, "MALFORMED_REQUEST"),
    (errors.WrongPassword, 400, "WRONG_PASSWORD"),
    (errors.NotAuthenticated, 401, "NOT_AUTHENTICATED"),
    (errors.NotAllowed, 403, "FORBIDDEN"),
    (errors.InsufficientScopes, 403, "INSUFFICIENT_SCOPES"),
    (errors.NotFound, 404, "NOT_FOUND"),
    (errors.MethodNotAllowed, 405, "METHOD_NOT_ALLOWED"),
    (errors.Conflict, 409, "CONFLICT"),
    (errors.PayloadTooLarge, 413, "PAYLOAD_TOO_LARGE"),
    (errors.UnsupportedMediaType, 415, "UNSUPPORTED_MEDIA_TYPE"),
    (errors.ValidationFailed, 422, "VALIDATION_FAILED"),
    (errors.TooManyRequests, 429, "RATE_LIMITED"),
    (errors.Unavailable, 503, "UNAVAILABLE"),
    (errors.InternalError, 500, "INTERNAL_ERROR"),
]
ROW = "Key (email)=(hunter2) already exists"
UNAVAILABLE = [
    OperationalError("x"),
    InterfaceError("x"),
    psycopg.OperationalError("x"),
    psycopg.InterfaceError("x"),
    PoolTimeout("x"),
    PoolClosed("x"),
    PoolOverflow("x"),
]


@pytest.mark.parametrize(("kind", "status", "code"), CONTRACT)
def test_error_has_its_status_and_code(kind, status, code):
    response = error_response(kind())
    assert response.status_code == status
    assert response["Content-Type"] == "application/json; charset=utf-8"
    error = json.loads(response.content)["error"]
    assert error == {"code": code, "message": kind.message, "details": [], "request_id": error["request_id"]}


@pytest.mark.parametrize(("kind", "status", "code"), CONTRACT)
def test_only_401_and_a_missing_scope_send_www_authenticate(kind, status, code):
    is_sent = status == 401 or code == "INSUFFICIENT_SCOPES"
    assert ("WWW-Authenticate" in error_response(kind())) == is_sent


@pytest.mark.parametrize(
    ("error", "challenge"),
    [
        (errors.NotAuthenticated(), ""),
        (errors.InvalidCredential(), ', error="invalid_token"'),
        (errors.InsufficientScopes(), ', error="insufficient_scope"'),
        (errors.InsufficientScopes.of("keys:verify"), ', error="insufficient_scope", scope="keys:verify"'),
        (errors.StepUpRequired(), ', error="insufficient_user_authentication", max_age="600"'),
    ],
    ids=["none", "bad", "scope", "named scope", "old"],
)
def test_challenge_gives_the_reason(error, challenge):
    assert error_response(error)["WWW-Authenticate"] == f'Bearer realm="keyhouse"{challenge}'


def test_error_uses_its_own_message_code_and_details():
    error = errors.LockedOut("Taken.", details=[ErrorDetail("email", "is taken")])
    sent = json.loads(error_response(error).content)["error"]
    assert (sent["code"], sent["message"]) == ("LOCKED_OUT", "Taken.")
    assert sent["details"] == [{"field": "email", "message": "is taken"}]


@pytest.mark.parametrize(("seconds", "header"), [(1, "1"), (90, "90"), (0, "1"), (-5, "1")])
def test_retry_after_is_sent(seconds, header):
    assert error_response(errors.TooManyRequests(retry_after_seconds=seconds))["Retry-After"] == header


def test_validation_error_for_one_field():
    error = errors.ValidationFailed.of("plan", "does not exist")
    assert error.details == (ErrorDetail("plan", "does not exist"),)
    assert error.status == 422


@pytest.mark.parametrize("exception", UNAVAILABLE, ids=lambda error: f"{type(error).__module__}.{type(error).__name__}")
def test_unavailable_database_is_503(exception):
    response = error_response(to_domain_error(exception))
    assert (response.status_code, response["Retry-After"]) == (503, "1")


@pytest.mark.parametrize(
    ("exception", "kind"),
    [
        (AuthenticationError(), errors.NotAuthenticated),
        (Http404(), errors.NotFound),
        (HttpError(400, "Cannot parse"), errors.MalformedRequest),
        (errors.Conflict(), errors.Conflict),
    ],
)
def test_framework_exceptions_are_translated(exception, kind):
    assert type(to_domain_error(exception)) is kind


def test_domain_error_inside_parser_error_is_used():
    wrapped = HttpError(400, "Cannot parse")
    wrapped.__cause__ = errors.UnsupportedMediaType()
    assert to_domain_error(wrapped) is wrapped.__cause__


@pytest.mark.parametrize(
    ("location", "field"),
    [
        (("body", "new", "email"), "email"),
        (("body", "new", "scopes", 3), "scopes.3"),
        (("body", "new"), ""),
        (("query", "page"), "page"),
        (("path", "user_id"), "user_id"),
        (("header", "x-api-key"), "x-api-key"),
        (("elsewhere", "thing"), "elsewhere.thing"),
    ],
)
def test_field_is_named_as_in_the_request(location, field):
    translated = to_domain_error(ValidationError([{"loc": location, "msg": "Value error, is wrong"}]))
    assert translated.details == (ErrorDetail(field, "is wrong"),)


def test_details_are_limited_to_twenty():
    problems = [{"loc": ("body", "new", "scopes", number), "msg": "is wrong"} for number in range(1000)]
    translated = to_domain_error(ValidationError(problems))
    assert [detail.field for detail in translated.details] == [f"scopes.{number}" for number in range(20)]
    own = errors.Conflict(details=[ErrorDetail(f"f{number}", "is wrong") for number in range(1000)])
    assert len(json.loads(error_response(own).content)["error"]["details"]) == 20


def test_long_field_name_is_truncated():
    translated = to_domain_error(ValidationError([{"loc": ("body", "new", "k" * 900_000), "msg": "is unknown"}]))
    assert translated.details == (ErrorDetail("k" * 100, "is unknown"),)


def caught(kind, message):
    """Raise and return an error, with its traceback."""
    with pytest.raises(kind) as raised:
        raise kind(message)
    return raised.value


def test_unexpected_error_is_logged_and_hidden_from_the_client(caplog):
    with caplog.at_level(logging.ERROR, "keyhouse.errors"):
        response = error_response(to_domain_error(RuntimeError("the details")))
    assert response.status_code == 500
    assert b"the details" not in response.content
    assert "the details" in caplog.text


@pytest.mark.parametrize("kind", [IntegrityError, DataError, psycopg.errors.UniqueViolation])
def test_database_error_logs_no_row_values(kind, caplog):
    with caplog.at_level(logging.DEBUG, "keyhouse.errors"):
        response = error_response(to_domain_error(caught(kind, ROW)))
    assert response.status_code == 500
    assert kind.__name__ in caplog.text
    assert "test_error_responses" in caplog.text  # from the traceback
    assert "hunter2" not in caplog.text
    assert b"hunter2" not in response.content
