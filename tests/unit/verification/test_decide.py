"""decide(): each code, the order of the checks, and where the borders run."""

from typing import Any

import pytest

from apps.verification.models import Code, KeyRecord, Question, Verdict
from apps.verification.services.decision import CHECKS, decide
from tests.unit.verification.records import DIGEST, MOMENT, NOW, question, record


def code_of(known: KeyRecord, asked: Question | None = None) -> Code:
    (verdict,) = decide({DIGEST: known}, [asked or question()], NOW)
    assert verdict.record is known
    return verdict.code


def test_a_good_key_is_valid():
    known = record()
    (verdict,) = decide({DIGEST: known}, [question()], NOW)
    assert verdict == Verdict(Code.VALID, known)
    assert verdict.is_valid


def test_an_unknown_key_is_not_found_and_nothing_is_told_of_any():
    (verdict,) = decide({DIGEST: record()}, [question(digest=b"unknown")], NOW)
    assert verdict == Verdict(Code.NOT_FOUND, None)
    assert not verdict.is_valid


@pytest.mark.parametrize("changes", [{"revoked_at": NOW}, {"is_active": False}, {"revoked_at": NOW + MOMENT}])
def test_disabled(changes: dict[str, Any]):
    assert code_of(record(**changes)) is Code.DISABLED


@pytest.mark.parametrize("end", ["expires_at", "secret_expires_at"])
@pytest.mark.parametrize(
    ("when", "code"), [(NOW - MOMENT, Code.EXPIRED), (NOW, Code.EXPIRED), (NOW + MOMENT, Code.VALID)]
)
def test_the_end_itself_is_past_it(end: str, when: Any, code: Code):
    assert code_of(record(**{end: when})) is code


@pytest.mark.parametrize(
    ("owner", "code"),
    [
        ({"is_active": False}, Code.FORBIDDEN),
        ({"locked_until": NOW + MOMENT}, Code.FORBIDDEN),
        ({"locked_until": NOW}, Code.VALID),
        ({"locked_until": NOW - MOMENT}, Code.VALID),
    ],
)
def test_the_owner_must_be_able_to_act(owner: dict[str, Any], code: Code):
    assert code_of(record(owner=owner)) is code


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
    assert code_of(record(networks=networks), question(address)) is code


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
    assert code_of(record(scopes=granted), question(scopes=wanted)) is code


# What makes each check refuse: changes to the key, and to the question.
FAULTS: dict[Code, tuple[dict[str, Any], dict[str, Any]]] = {
    Code.DISABLED: ({"revoked_at": NOW}, {}),
    Code.EXPIRED: ({"expires_at": NOW}, {}),
    Code.FORBIDDEN: ({"owner": {"is_active": False}}, {}),
    Code.INSUFFICIENT_SCOPES: ({}, {"scopes": ("a:b",)}),
}


def test_the_checks_run_in_the_documented_order():
    assert [code for code, _ in CHECKS] == list(FAULTS)
    order = list(Code)
    assert [order.index(code) for code in FAULTS] == sorted(order.index(code) for code in FAULTS)
    assert order[0] is Code.NOT_FOUND
    assert order[-1] is Code.VALID


@pytest.mark.parametrize("first", range(len(FAULTS)))
def test_the_first_check_that_refuses_names_the_verdict(first: int):
    codes = list(FAULTS)[first:]
    key_changes: dict[str, Any] = {}
    asked: dict[str, Any] = {}
    for code in codes:
        key_changes |= FAULTS[code][0]
        asked |= FAULTS[code][1]
    assert code_of(record(**key_changes), question(**asked)) is codes[0]


def test_no_questions_no_verdicts():
    assert decide({DIGEST: record()}, [], NOW) == []
