"""What came of presenting a key."""

from datetime import timedelta
from typing import Any

import pytest

from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.verification.domain import Code, Verdict
from apps.verification.services.key_authentication import principal_of
from apps.verification.services.key_use import KeyUse
from tests.unit.verification.records import NOW, record

pytestmark = pytest.mark.unit

WINDOW = RateLimitStatus("minute", 1, 60, 0, 0)
SOON, LATER = NOW + timedelta(minutes=1), NOW + timedelta(hours=1)


def test_a_good_key_is_its_principal():
    use = KeyUse.of(Verdict(Code.VALID, record(), [WINDOW]))
    assert (use.principal, list(use.rate_limits)) == (principal_of(record()), [WINDOW])
    assert (use.is_limited, use.lacks_scopes, use.retry_after_seconds) == (False, False, None)


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.VALID])
def test_any_other_is_nobody(code: Code):
    use = KeyUse.of(Verdict(code, record(), [WINDOW], retry_after_ms=1500))
    assert use.principal is None
    assert (use.is_limited, use.lacks_scopes) == (code is Code.RATE_LIMITED, code is Code.INSUFFICIENT_SCOPES)
    assert use.retry_after_seconds == (2 if code is Code.RATE_LIMITED else None)


def test_a_key_that_is_never_allowed_waits_a_whole_window():
    assert KeyUse.of(Verdict(Code.RATE_LIMITED, record(), [WINDOW])).retry_after_seconds == 60


def test_an_unknown_key_is_nobody():
    assert KeyUse.of(Verdict(Code.NOT_FOUND)) == KeyUse()


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
def test_it_ends_with_the_key_or_its_secret(ends: dict[str, Any], end: Any):
    assert KeyUse.of(Verdict(Code.VALID, record(**ends))).expires_at == end
