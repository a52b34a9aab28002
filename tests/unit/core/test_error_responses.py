"""Errors become HTTP in one place."""

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
AWAY = [
    OperationalError("x"),
    InterfaceError("x"),
    psycopg.OperationalError("x"),
    psycopg.InterfaceError("x"),
    PoolTimeout("x"),
    PoolClosed("x"),
    PoolOverflow("x"),
]


@pytest.mark.parametrize(("kind", "status", "code"), CONTRACT)
def test_each_error_has_its_status_and_code(kind, status, code):
    response = error_response(kind())
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    error = json.loads(response.content)["error"]
    assert error == {"code": code, "message": kind.message, "details": [], "request_id": error["request_id"]}


@pytest.mark.parametrize(("kind", "status", "code"), CONTRACT)
def test_only_a_missing_credential_asks_for_one(kind, status, code):
    assert ("WWW-Authenticate" in error_response(kind())) == (status == 401)


def test_says_its_own_sentence_code_and_details():
    error = errors.LockedOut("Taken.", details=[ErrorDetail("email", "is taken")])
    said = json.loads(error_response(error).content)["error"]
    assert (said["code"], said["message"]) == ("LOCKED_OUT", "Taken.")
    assert said["details"] == [{"field": "email", "message": "is taken"}]


@pytest.mark.parametrize(("seconds", "said"), [(1, "1"), (90, "90"), (0, "1"), (-5, "1")])
def test_says_when_to_come_back(seconds, said):
    assert error_response(errors.TooManyRequests(retry_after_seconds=seconds))["Retry-After"] == said


def test_a_validation_error_of_one_field():
    error = errors.ValidationFailed.of("plan", "There is none.")
    assert error.details == (ErrorDetail("plan", "There is none."),)
    assert error.status == 422


@pytest.mark.parametrize("exception", AWAY, ids=lambda error: f"{type(error).__module__}.{type(error).__name__}")
def test_a_database_that_is_away_is_unavailable(exception):
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
def test_translates_what_the_frameworks_raise(exception, kind):
    assert type(to_domain_error(exception)) is kind


def test_finds_our_own_error_behind_a_parser_error():
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
def test_names_the_field_as_the_client_knows_it(location, field):
    translated = to_domain_error(ValidationError([{"loc": location, "msg": "Value error, is wrong"}]))
    assert translated.details == (ErrorDetail(field, "is wrong"),)


def test_says_twenty_reasons_of_many():
    problems = [{"loc": ("body", "new", "scopes", number), "msg": "is wrong"} for number in range(1000)]
    translated = to_domain_error(ValidationError(problems))
    assert [detail.field for detail in translated.details] == [f"scopes.{number}" for number in range(20)]
    own = errors.Conflict(details=[ErrorDetail(f"f{number}", "is wrong") for number in range(1000)])
    assert len(json.loads(error_response(own).content)["error"]["details"]) == 20


def test_a_field_that_the_client_has_named_is_not_repeated_at_length():
    translated = to_domain_error(ValidationError([{"loc": ("body", "new", "k" * 900_000), "msg": "is not known"}]))
    assert translated.details == (ErrorDetail("k" * 100, "is not known"),)


def caught(kind, message):
    """Return an error that was raised here, with its traceback."""
    with pytest.raises(kind) as raised:
        raise kind(message)
    return raised.value


def test_an_unexpected_error_tells_the_log_and_not_the_client(caplog):
    with caplog.at_level(logging.ERROR, "keyhouse.errors"):
        response = error_response(to_domain_error(RuntimeError("the details")))
    assert response.status_code == 500
    assert b"the details" not in response.content
    assert "the details" in caplog.text


@pytest.mark.parametrize("kind", [IntegrityError, DataError, psycopg.errors.UniqueViolation])
def test_a_database_error_repeats_no_row_even_to_the_log(kind, caplog):
    with caplog.at_level(logging.DEBUG, "keyhouse.errors"):
        response = error_response(to_domain_error(caught(kind, ROW)))
    assert response.status_code == 500
    assert kind.__name__ in caplog.text
    assert "test_error_responses" in caplog.text  # where it happened
    assert "hunter2" not in caplog.text
    assert b"hunter2" not in response.content
