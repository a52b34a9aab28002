"""Whether the key that asks may ask."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.core.errors import DomainError, InsufficientScopes, NotAllowed, NotAuthenticated
from apps.core.values.ip_addresses import parse_address
from apps.verification.domain import BatchSnapshot, Caller, KeyRecord
from apps.verification.services.caller_check import check_callers, is_out_of_place
from tests.unit.verification.records import DIGEST, NOW, record

pytestmark = pytest.mark.unit

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.1"
AT_HOME = ["192.0.2.0/24"]


def caller(address: str | None = HERE, digest: bytes = DIGEST) -> Caller:
    return Caller(digest, parse_address(address) if address else None, "keys:verify")


def refusals(*callers: Caller, **changes: Any) -> dict[Caller, DomainError]:
    asking = record(**{"scopes": ["keys:verify"], **changes})
    return check_callers(BatchSnapshot(NOW, {}, {DIGEST: asking}, {}), callers)


@pytest.mark.parametrize("scopes", [["keys:verify"], ["keys:*", "keys:verify"], ["other", "keys:verify"]])
def test_a_good_key_with_the_scope_may_ask(scopes: list[str]):
    assert refusals(caller(), scopes=scopes) == {}


def test_windows_and_credits_do_not_keep_it_from_asking():
    own = '[{"name": "minute", "limit": 0, "period_seconds": 60}]'
    assert refusals(caller(), rate_limits=own, budget=Decimal(0)) == {}


@pytest.mark.parametrize(
    ("changes", "address", "error"),
    [
        ({"is_active": False}, HERE, NotAuthenticated),
        ({"revoked_at": NOW}, HERE, NotAuthenticated),
        ({"expires_at": NOW}, HERE, NotAuthenticated),
        ({"secret_expires_at": NOW}, HERE, NotAuthenticated),
        ({"owner_is_active": False}, HERE, NotAuthenticated),
        ({"owner_locked_until": NOW + timedelta(days=1)}, HERE, NotAuthenticated),
        ({"owner_is_active": False, "ip_allowlist": AT_HOME}, ELSEWHERE, NotAuthenticated),
        ({"ip_allowlist": AT_HOME}, ELSEWHERE, NotAllowed),
        ({"ip_allowlist": AT_HOME}, None, NotAllowed),
        ({"scopes": []}, HERE, InsufficientScopes),
        ({"scopes": ["keys:*"]}, HERE, InsufficientScopes),
        ({"scopes": ["keys:read", "keys:verify:all"]}, HERE, InsufficientScopes),
    ],
)
def test_others_are_told_why(changes: dict[str, Any], address: str | None, error: type[DomainError]):
    asking = caller(address)
    found = refusals(asking, **changes)
    assert list(found) == [asking]
    assert type(found[asking]) is error


@pytest.mark.parametrize("changes", [{"revoked_at": NOW}, {"expires_at": NOW}])
def test_a_key_that_is_no_good_is_not_told_that_its_address_is_wrong(changes: dict[str, Any]):
    asking = caller(ELSEWHERE)
    assert type(refusals(asking, ip_allowlist=AT_HOME, **changes)[asking]) is NotAuthenticated


def test_an_unknown_key_is_no_credential():
    stranger = caller(digest=b"unknown")
    assert type(refusals(stranger)[stranger]) is NotAuthenticated


def test_each_is_judged_for_itself():
    here, elsewhere, stranger = caller(), caller(ELSEWHERE), caller(digest=b"unknown")
    found = refusals(here, elsewhere, stranger, ip_allowlist=AT_HOME)
    assert {asking: type(error) for asking, error in found.items()} == {
        elsewhere: NotAllowed,
        stranger: NotAuthenticated,
    }


@pytest.mark.parametrize(
    ("key", "address", "found"),
    [
        (record(), ELSEWHERE, False),
        (record(ip_allowlist=AT_HOME), HERE, False),
        (record(ip_allowlist=AT_HOME), ELSEWHERE, True),
        (record(ip_allowlist=AT_HOME, owner_is_active=False), ELSEWHERE, False),
    ],
)
def test_out_of_place_is_who_is_refused_for_the_address_alone(key: KeyRecord, address: str, found: object):
    assert is_out_of_place(key, parse_address(address)) is found
