"""Which callers may verify keys."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.core.errors import DomainError, InsufficientScopes, InvalidCredential, NotAllowed
from apps.core.values.ip_addresses import parse_address
from apps.verification.domain import Caller
from apps.verification.services.caller_authorization import address_refusal, refused_callers
from tests.unit.verification.records import DIGEST, NOW, snapshot, stored_key

pytestmark = pytest.mark.unit

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.1"
AT_HOME = ["192.0.2.0/24"]


def caller(address: str | None = HERE, digest: bytes = DIGEST) -> Caller:
    return Caller(digest, parse_address(address) if address else None, "keys:verify")


def refusals(*callers: Caller, **changes: Any) -> dict[Caller, DomainError]:
    client = stored_key(**{"scopes": ["keys:verify"], **changes})
    return refused_callers(snapshot(client), callers)


@pytest.mark.parametrize("scopes", [["keys:verify"], ["keys:*", "keys:verify"], ["other", "keys:verify"]])
def test_a_valid_key_with_the_scope_is_authorized(scopes: list[str]):
    assert refusals(caller(), scopes=scopes) == {}


def test_rate_limits_and_credits_do_not_matter_for_callers():
    own = '[{"name": "minute", "limit": 0, "period_seconds": 60}]'
    assert refusals(caller(), rate_limits=own, budget=Decimal(0)) == {}


@pytest.mark.parametrize(
    ("changes", "address", "error"),
    [
        ({"is_active": False}, HERE, InvalidCredential),
        ({"revoked_at": NOW}, HERE, InvalidCredential),
        ({"expires_at": NOW}, HERE, InvalidCredential),
        ({"secret_expires_at": NOW}, HERE, InvalidCredential),
        ({"owner_is_active": False}, HERE, InvalidCredential),
        ({"owner_locked_until": NOW + timedelta(days=1)}, HERE, InvalidCredential),
        ({"owner_locked_until": NOW + timedelta(days=1), "ip_allowlist": AT_HOME}, HERE, InvalidCredential),
        ({"owner_is_active": False, "ip_allowlist": AT_HOME}, ELSEWHERE, InvalidCredential),
        ({"ip_allowlist": AT_HOME}, ELSEWHERE, NotAllowed),
        ({"ip_allowlist": AT_HOME}, None, NotAllowed),
        ({"scopes": []}, HERE, InsufficientScopes),
        ({"scopes": ["keys:*"]}, HERE, InsufficientScopes),
        ({"scopes": ["keys:read", "keys:verify:all"]}, HERE, InsufficientScopes),
    ],
)
def test_other_callers_are_refused(changes: dict[str, Any], address: str | None, error: type[DomainError]):
    client = caller(address)
    found = refusals(client, **changes)
    assert list(found) == [client]
    assert type(found[client]) is error


def test_an_error_names_the_missing_scope_or_the_address():
    client = caller()
    lacking, elsewhere = refusals(client, scopes=["other"])[client], refusals(client, ip_allowlist=["2001:db8::/32"])
    assert isinstance(lacking, InsufficientScopes)
    assert (lacking.scope, str(lacking)) == ("keys:verify", "The credential lacks the scope keys:verify.")
    assert str(elsewhere[client]) == "The API key may not be used from this address."


@pytest.mark.parametrize("changes", [{"revoked_at": NOW}, {"expires_at": NOW}])
def test_an_invalid_caller_does_not_learn_about_its_address(changes: dict[str, Any]):
    client = caller(ELSEWHERE)
    assert type(refusals(client, ip_allowlist=AT_HOME, **changes)[client]) is InvalidCredential


def test_an_unknown_caller_is_not_authenticated():
    unknown = caller(digest=b"unknown")
    assert type(refusals(unknown)[unknown]) is InvalidCredential


def test_each_caller_is_authorized_on_its_own():
    here, elsewhere, unknown = caller(), caller(ELSEWHERE), caller(digest=b"unknown")
    found = refusals(here, elsewhere, unknown, ip_allowlist=AT_HOME)
    assert {client: type(error) for client, error in found.items()} == {
        elsewhere: NotAllowed,
        unknown: InvalidCredential,
    }


def test_the_error_for_an_address_is_the_same_for_all_uses_of_a_key():
    client = caller(ELSEWHERE)
    assert str(refusals(client, ip_allowlist=AT_HOME)[client]) == str(address_refusal())
