"""decide(): each code, the order of the checks, and the boundary cases."""

from decimal import Decimal
from typing import Any

import pytest

from apps.verification.domain import BatchEffects, Code, Detail, Verdict, VerificationQuery
from apps.verification.services.decision import CHECKS
from tests.unit.verification.records import MOMENT, NOW, StoredKey, outcome, query, stored_key, verdicts_on

pytestmark = pytest.mark.unit


def code_of(key: StoredKey, sent: VerificationQuery | None = None) -> Code:
    (verdict,) = verdicts_on([key], [sent or query()])
    assert verdict.record == key.record
    assert verdict.is_valid == (verdict.code is Code.VALID)
    return verdict.code


def test_a_valid_key():
    key = stored_key(balance=Decimal(3))
    (verdict,) = verdicts_on([key], [query()])
    assert (verdict.code, verdict.record, verdict.balance) == (Code.VALID, key.record, Decimal(3))
    assert list(verdict.rate_limits) == []
    assert (verdict.detail, verdict.retry_after_ms, verdict.stored_response) == (None, None, None)


def test_an_unknown_key_is_not_found():
    unknown = query(digest=b"unknown")
    verdicts, effects = outcome([stored_key()], unknown)
    assert verdicts == [Verdict(Code.NOT_FOUND)]
    assert not verdicts[0].is_valid
    assert effects == BatchEffects(refusals=[(unknown, verdicts[0])])


@pytest.mark.parametrize("changes", [{"revoked_at": NOW}, {"is_active": False}, {"revoked_at": NOW + MOMENT}])
def test_disabled(changes: dict[str, Any]):
    assert code_of(stored_key(**changes)) is Code.DISABLED


@pytest.mark.parametrize("end", ["expires_at", "secret_expires_at"])
@pytest.mark.parametrize(
    ("when", "code"), [(NOW - MOMENT, Code.EXPIRED), (NOW, Code.EXPIRED), (NOW + MOMENT, Code.VALID)]
)
def test_a_key_is_expired_at_its_expiry(end: str, when: Any, code: Code):
    assert code_of(stored_key(**{end: when})) is code


@pytest.mark.parametrize(
    ("owner", "code"),
    [
        ({"owner_is_active": False}, Code.FORBIDDEN),
        ({"owner_locked_until": NOW + MOMENT}, Code.FORBIDDEN),
        ({"owner_locked_until": NOW}, Code.VALID),
        ({"owner_locked_until": NOW - MOMENT}, Code.VALID),
    ],
)
def test_the_owner_must_be_active_and_not_locked(owner: dict[str, Any], code: Code):
    assert code_of(stored_key(**owner)) is code


@pytest.mark.parametrize(
    ("networks", "address", "code"),
    [
        ([], None, Code.VALID),
        ([], "192.0.2.1", Code.VALID),
        (["192.0.2.0/24"], None, Code.FORBIDDEN),
        (["192.0.2.0/24"], "192.0.2.0", Code.VALID),
        (["192.0.2.0/24"], "192.0.2.255", Code.VALID),
        (["192.0.2.0/24"], "192.0.3.0", Code.FORBIDDEN),
        (["192.0.2.0/24"], "192.0.1.255", Code.FORBIDDEN),
        (["192.0.2.0/24"], "::ffff:192.0.2.9", Code.VALID),
        (["192.0.2.0/24"], "::ffff:192.0.3.9", Code.FORBIDDEN),
        (["192.0.2.0/24"], "::192.0.2.9", Code.FORBIDDEN),
        (["192.0.2.7/32"], "192.0.2.7", Code.VALID),
        (["2001:db8::/32"], "2001:db8::1", Code.VALID),
        (["2001:db8::/32"], "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Code.VALID),
        (["2001:db8::/32"], "2001:db9::", Code.FORBIDDEN),
        (["2001:db8::/32"], "192.0.2.1", Code.FORBIDDEN),
        (["::/0"], "192.0.2.1", Code.FORBIDDEN),
        (["0.0.0.0/0"], "192.0.2.1", Code.VALID),
        (["192.0.2.0/24", "2001:db8::/32"], "2001:db8::1", Code.VALID),
    ],
)
def test_the_address_must_be_allowed(networks: list[str], address: str | None, code: Code):
    assert code_of(stored_key(ip_allowlist=networks), query(address)) is code


@pytest.mark.parametrize(
    ("granted", "wanted", "code"),
    [
        ((), (), Code.VALID),
        (("a:b",), (), Code.VALID),
        (("a:b",), ("a:b",), Code.VALID),
        ((), ("a:b",), Code.INSUFFICIENT_SCOPES),
        (("a:b",), ("a:b", "a:c"), Code.INSUFFICIENT_SCOPES),
        (("a:*",), ("a:b", "a:b:c"), Code.VALID),
        (("a:*",), ("ab:c",), Code.INSUFFICIENT_SCOPES),
        (("a:*",), ("a",), Code.INSUFFICIENT_SCOPES),
        (("a:b:*",), ("a:c",), Code.INSUFFICIENT_SCOPES),
        (("a:b",), ("a:*",), Code.INSUFFICIENT_SCOPES),
        (("a:*",), ("a:*",), Code.VALID),
        (("A:b",), ("a:b",), Code.INSUFFICIENT_SCOPES),
        (("x:y", "a:*"), ("a:b", "x:y"), Code.VALID),
    ],
)
def test_every_scope_must_be_granted(granted: tuple[str, ...], wanted: tuple[str, ...], code: Code):
    assert code_of(stored_key(scopes=list(granted)), query(scopes=wanted)) is code


# What makes each check refuse: changes to the key, and to the query.
FAULTS: dict[Code, tuple[dict[str, Any], dict[str, Any]]] = {
    Code.DISABLED: ({"revoked_at": NOW}, {}),
    Code.EXPIRED: ({"expires_at": NOW}, {}),
    Code.FORBIDDEN: ({"owner_is_active": False}, {}),
    Code.INSUFFICIENT_SCOPES: ({}, {"scopes": ("a:b",)}),
    Code.UNKNOWN_OPERATION: ({}, {"operation": "resize"}),
    Code.RATE_LIMITED: ({"plan_rate_limits": '[["minute", 0, 60]]'}, {}),
    Code.INSUFFICIENT_CREDITS: ({}, {"cost": Decimal(1)}),
}
DETAILS = {
    Code.DISABLED: Detail.REVOKED,
    Code.EXPIRED: Detail.KEY,
    Code.FORBIDDEN: Detail.OWNER_SUSPENDED,
    Code.INSUFFICIENT_SCOPES: "a:b",
    Code.UNKNOWN_OPERATION: "resize",
    Code.RATE_LIMITED: "minute",
    Code.INSUFFICIENT_CREDITS: Detail.BALANCE,
}


def test_codes_are_in_the_documented_order():
    assert list(Code) == [Code.NOT_FOUND, *FAULTS, Code.VALID]
    assert [code for code, _ in CHECKS] == list(FAULTS)[: len(CHECKS)]


@pytest.mark.parametrize("first", range(len(FAULTS)))
def test_the_first_refusal_determines_the_code(first: int):
    codes = list(FAULTS)[first:]
    key_changes: dict[str, Any] = {}
    sent: dict[str, Any] = {}
    for code in codes:
        key_changes |= FAULTS[code][0]
        sent |= FAULTS[code][1]
    assert code_of(stored_key().changed(**key_changes), query(**sent)) is codes[0]


@pytest.mark.parametrize("code", FAULTS)
def test_a_refusal_is_counted_and_uses_nothing(code: Code):
    key_changes, sent = FAULTS[code]
    key = stored_key(balance=Decimal("0.5")).changed(**key_changes)
    queries = query(**sent), query(**sent, tag="second")
    verdicts, effects = outcome([key], *queries)
    assert [verdict.code for verdict in verdicts] == [code] * 2
    assert [verdict.detail for verdict in verdicts] == [DETAILS[code]] * 2
    assert [verdict.balance for verdict in verdicts] == [Decimal("0.5")] * 2
    denials = {(key.row.key_id, code, DETAILS[code]): 2}
    assert effects == BatchEffects(denials=denials, refusals=list(zip(queries, verdicts, strict=True)))


@pytest.mark.parametrize("code", list(FAULTS)[: len(CHECKS)])
def test_refusals_before_rate_limits_have_no_statuses(code: Code):
    key_changes, sent = FAULTS[code]
    (verdict,) = verdicts_on([stored_key(("minute", 5, 60), **key_changes)], [query(**sent)])
    assert (verdict.code, list(verdict.rate_limits), verdict.retry_after_ms) == (code, [], None)


def test_two_secrets_of_a_key_have_their_own_expiry():
    keys = [stored_key(("minute", 1, 60)), stored_key(("minute", 1, 60), digest=b"old", secret_expires_at=NOW)]
    verdicts, effects = outcome(keys, query(digest=b"old"), query(), query())
    assert [verdict.code for verdict in verdicts] == [Code.EXPIRED, Code.VALID, Code.RATE_LIMITED]
    assert [spending.key_id for spending in effects.counter_updates] == [5]
    assert effects.denials == {(5, Code.EXPIRED, Detail.SECRET): 1, (5, Code.RATE_LIMITED, "minute"): 1}


def test_an_empty_batch_has_no_effects():
    assert outcome([stored_key()]) == ([], BatchEffects())


AT_HOME, HERE, ELSEWHERE = {"ip_allowlist": ["192.0.2.0/24"]}, "192.0.2.1", "198.51.100.1"


@pytest.mark.parametrize(
    ("changes", "sent", "detail"),
    [
        ({"revoked_at": NOW}, {}, Detail.REVOKED),
        ({"revoked_at": NOW, "is_active": False}, {}, Detail.REVOKED),
        ({"is_active": False}, {}, Detail.DISABLED),
        ({"expires_at": NOW}, {}, Detail.KEY),
        ({"expires_at": NOW, "secret_expires_at": NOW}, {}, Detail.KEY),
        ({"expires_at": NOW + MOMENT, "secret_expires_at": NOW}, {}, Detail.SECRET),
        ({"owner_is_active": False}, {}, Detail.OWNER_SUSPENDED),
        ({"owner_is_active": False, "owner_locked_until": NOW + MOMENT}, {}, Detail.OWNER_SUSPENDED),
        ({"owner_locked_until": NOW + MOMENT, **AT_HOME}, {"address": ELSEWHERE}, Detail.OWNER_LOCKED),
        ({}, {"has_unreadable_address": True}, Detail.ADDRESS_UNREADABLE),
        (AT_HOME, {"has_unreadable_address": True}, Detail.ADDRESS_UNREADABLE),
        (AT_HOME, {"address": ELSEWHERE}, Detail.ADDRESS_NOT_ALLOWED),
        (AT_HOME, {}, Detail.ADDRESS_NOT_ALLOWED),
        ({"scopes": ["a:b"]}, {"scopes": ("a:b", "a:d", "a:c")}, "a:d"),
        ({"plan_rate_limits": '[["wide", 5, 60], ["hour", 0, 3600]]'}, {}, "hour"),
        ({"plan_rate_limits": '[["hour", 0, 3600], ["minute", 0, 60]]'}, {}, "minute"),
        ({"budget": Decimal(1), "balance": Decimal(9)}, {"cost": Decimal(2)}, Detail.BUDGET),
        ({"budget": Decimal(1), "balance": Decimal(1)}, {"cost": Decimal(2)}, Detail.BUDGET),
        ({"budget": Decimal(2), "balance": Decimal(1)}, {"cost": Decimal(2)}, Detail.BALANCE),
        ({"balance": Decimal(2)}, {"cost": Decimal(2)}, None),
        (AT_HOME, {"address": HERE}, None),
    ],
)
def test_the_detail_says_what_refuses_the_call(changes: dict[str, Any], sent: dict[str, Any], detail: str | None):
    key = stored_key(**changes)
    (verdict,), effects = outcome([key], query(**sent))
    assert (verdict.detail, verdict.is_valid) == (detail, detail is None)
    assert list(effects.denials) == ([] if detail is None else [(5, verdict.code, detail)])


def test_denials_are_counted_by_detail():
    key = stored_key(scopes=["a:b"])
    _, effects = outcome([key], *[query(scopes=(scope,)) for scope in ("a:c", "a:d", "a:c")])
    code = Code.INSUFFICIENT_SCOPES
    assert effects.denials == {(5, code, "a:c"): 2, (5, code, "a:d"): 1}


def test_every_detail_is_a_word_of_the_contract():
    assert [str(detail) for detail in Detail] == [
        "revoked", "disabled", "key", "secret", "owner_suspended", "owner_locked", "address_unreadable",
        "address_not_allowed", "budget", "balance",
    ]  # fmt: skip
