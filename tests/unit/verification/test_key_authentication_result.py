"""The result of authenticating by API key."""

from datetime import timedelta
from typing import Any

import pytest

from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.verification.domain import Code, Verdict
from apps.verification.services.key_authentication import KeyAuthenticationResult, principal_of
from tests.unit.verification.records import NOW, record

pytestmark = pytest.mark.unit

STATUS = RateLimitStatus("minute", 1, 60, 0, 0)
SOON, LATER = NOW + timedelta(minutes=1), NOW + timedelta(hours=1)


def test_a_valid_key_has_a_principal():
    result = KeyAuthenticationResult.of(Verdict(Code.VALID, record(), rate_limits=[STATUS]))
    assert (result.principal, list(result.rate_limits)) == (principal_of(record()), [STATUS])
    assert (result.is_limited, result.lacks_scopes, result.retry_after_seconds) == (False, False, None)


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.VALID])
def test_a_refused_key_has_no_principal(code: Code):
    result = KeyAuthenticationResult.of(Verdict(code, record(), rate_limits=[STATUS], retry_after_ms=1500))
    assert result.principal is None
    assert (result.is_limited, result.lacks_scopes) == (code is Code.RATE_LIMITED, code is Code.INSUFFICIENT_SCOPES)
    assert result.retry_after_seconds == (2 if code is Code.RATE_LIMITED else None)


def test_a_key_that_is_never_allowed_waits_a_whole_period():
    assert (
        KeyAuthenticationResult.of(Verdict(Code.RATE_LIMITED, record(), rate_limits=[STATUS])).retry_after_seconds == 60
    )


def test_an_unknown_key_has_no_principal():
    assert KeyAuthenticationResult.of(Verdict(Code.NOT_FOUND)) == KeyAuthenticationResult()


@pytest.mark.parametrize(
    ("ends", "end"),
    [
        ({}, None),
        ({"expires_at": LATER}, LATER),
        ({"secret_expires_at": SOON}, SOON),
        ({"expires_at": LATER, "secret_expires_at": SOON}, SOON),
        ({"expires_at": SOON, "secret_expires_at": LATER}, SOON),
    ],
)
def test_it_expires_with_the_key_or_its_secret(ends: dict[str, Any], end: Any):
    assert KeyAuthenticationResult.of(Verdict(Code.VALID, record(**ends))).expires_at == end
