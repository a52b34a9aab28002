"""decide(): which requests with the same id are retries, and what they get."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from apps.core.values.ip_addresses import parse_address
from apps.verification.domain import (
    BatchEffects,
    Caller,
    Code,
    Detail,
    IdempotencyKey,
    IdempotencyRecord,
    Verdict,
    VerificationQuery,
    idempotency_key_of,
)
from apps.verification.schemas.verification import VerifyResponse, response_json
from apps.verification.services.idempotency import RequestIdReused, fingerprint_of
from tests.unit.verification.records import (
    MOMENT,
    NOW,
    RETRY_PERIOD,
    StoredKey,
    decided_on,
    outcome,
    query,
    stored_key,
    verdicts_on,
)

pytestmark = pytest.mark.unit

SERVICE, OTHER_SERVICE, FIRST = "api_key:1", "api_key:2", IdempotencyKey("api_key:1", 5, "r")


def rich(balance: str, **changes: object) -> StoredKey:
    return stored_key(balance=Decimal(balance), **changes)


def request(**changes: Any) -> VerificationQuery:
    """Return a query with the request id `r`, which the service with the key 1 sends."""
    return query(**{"request_id": "r", "is_idempotent": True, "caller_name": SERVICE, **changes})


def stored(
    sent: VerificationQuery, code: Code = Code.VALID, *, decided_at: datetime = NOW
) -> dict[IdempotencyKey, IdempotencyRecord]:
    """Return the idempotency records after this request."""
    response = VerifyResponse(valid=code is Code.VALID, code=code, request_id="r").model_dump_json().encode()
    name = IdempotencyKey(sent.caller_name, 5, sent.request_id)
    return {name: IdempotencyRecord(fingerprint_of(sent), decided_at, response)}


# What makes another query of `request()`, to the key of `rich("9")`.
OTHER_QUERIES: list[dict[str, Any]] = [
    {"cost": Decimal(2)},
    {"weight": 2},
    {"scopes": ("a:b",)},
    {"scopes": ("a:b", "a:c")},
    {"address": parse_address("192.0.2.1")},
    {"has_unreadable_address": True},
    {"tag": "a"},
]


def test_a_retry_in_the_same_batch_is_charged_once():
    key = rich("5", plan_rate_limits='[["minute", 5, 60]]')
    repeated = request(cost=Decimal(2))
    verdicts, effects = outcome([key], repeated, query(cost=Decimal(1)), repeated, repeated)
    assert [verdict.code for verdict in verdicts] == [Code.VALID] * 4
    assert verdicts[0] == verdicts[2] == verdicts[3]
    assert [verdict.balance for verdict in verdicts] == [3, 2, 3, 3]
    assert effects.debits == {7: Decimal(3)}
    assert len(effects.calls) == 2


def test_a_retry_of_a_refused_call_is_counted_once():
    repeated = request(cost=Decimal(2))
    verdicts, effects = outcome([rich("1")], repeated, repeated)
    assert [verdict.code for verdict in verdicts] == [Code.INSUFFICIENT_CREDITS] * 2
    assert effects == BatchEffects(
        denials={(5, Code.INSUFFICIENT_CREDITS, Detail.BALANCE): 1}, refusals=[(repeated, verdicts[0])]
    )


@pytest.mark.parametrize("other", OTHER_QUERIES)
@pytest.mark.parametrize("balance", ["9", "0"])
def test_another_query_with_the_id_in_the_same_batch_is_an_error_without_effects(balance: str, other: dict[str, Any]):
    key, first = rich(balance, plan_rate_limits='[["minute", 5, 60]]', scopes=["a:*"]), request(cost=Decimal(1))
    alone, effects_alone = outcome([key], first)
    decided, effects = (
        decided_on([key], [first, replace(first, **other), first]),
        outcome([key], first, first)[1],
    )
    assert decided[0] == decided[2] == alone[0]
    assert isinstance(decided[1], RequestIdReused)
    assert effects == effects_alone


@pytest.mark.parametrize("other", OTHER_QUERIES)
@pytest.mark.parametrize("code", [Code.VALID, Code.RATE_LIMITED])
def test_another_query_with_the_id_of_a_stored_response_is_an_error(code: Code, other: dict[str, Any]):
    sent = request()
    key = rich("9", scopes=["a:*"])
    (found,) = decided_on([key], [replace(sent, **other)], idempotency_records=stored(sent, code))
    assert isinstance(found, RequestIdReused)
    assert (found.status, found.code) == (409, "REQUEST_ID_REUSED")
    # In the other order too: what is stored is the other query.
    (found,) = decided_on([key], [sent], idempotency_records=stored(replace(sent, **other), code))
    assert isinstance(found, RequestIdReused)


def test_a_reused_id_has_no_effects_and_others_of_the_batch_are_decided():
    sent = request()
    reused, free = replace(sent, cost=Decimal(2)), query(cost=Decimal(3))
    found, verdict = decided_on([rich("9")], [reused, free], idempotency_records=stored(sent))
    assert isinstance(found, RequestIdReused)
    assert isinstance(verdict, Verdict)
    assert verdict.balance == 6


@pytest.mark.parametrize(
    "other", [{"digest": b"old"}, {"cost": Decimal("1.000000")}, {"address": parse_address("::ffff:192.0.2.1")}]
)
def test_the_same_query_in_another_form_is_a_retry(other: dict[str, Any]):
    keys = [rich("9", digest=digest) for digest in (b"known", b"old")]
    sent = request(cost=Decimal(1), address="192.0.2.1")
    verdicts, effects = outcome(keys, sent, replace(sent, **other))
    assert verdicts[0] == verdicts[1]
    assert effects.debits == {7: Decimal(1)}


def test_ids_belong_to_the_caller_and_the_key():
    keys = [rich("5"), rich("5", key_id=6, digest=b"other")]
    sent = request(cost=Decimal(1))
    verdicts, effects = outcome(
        keys,
        sent,
        replace(sent, caller_name=OTHER_SERVICE),
        replace(sent, digest=b"other"),
        replace(sent, request_id="s"),
        replace(sent, is_idempotent=False),
        replace(sent, is_idempotent=False),
    )
    assert [verdict.balance for verdict in verdicts[:5]] == [4, 3, 2, 1, 0]
    assert verdicts[5].code is Code.INSUFFICIENT_CREDITS
    assert len(effects.calls) == 5


@pytest.mark.parametrize(
    "name", [FIRST._replace(caller=OTHER_SERVICE), FIRST._replace(key_id=6), FIRST._replace(request_id="s")]
)
def test_a_stored_response_is_for_one_caller_and_key_and_id(name: IdempotencyKey):
    (first,) = stored(request(), Code.DISABLED).values()
    (verdict,) = verdicts_on([stored_key()], [request()], idempotency_records={name: first})
    assert (verdict.code, verdict.stored_response) == (Code.VALID, None)


def test_a_caller_that_is_authorized_with_the_query_has_the_ids_of_its_key():
    # The key 1 is the caller inline, and has been authorized before for the other request.
    service = stored_key(key_id=1, user_id=8, digest=b"service", scopes=["keys:verify"])
    inline = request(cost=Decimal(1), caller=Caller(b"service", None, "keys:verify"), caller_name="")
    verdicts, effects = outcome([rich("5"), service], inline, request(cost=Decimal(1)))
    assert verdicts[0] == verdicts[1]
    assert effects.debits == {7: Decimal(1)}


def test_a_query_of_an_unknown_key_or_caller_or_without_an_id_has_no_idempotency_key():
    records = {b"known": stored_key().record}
    assert idempotency_key_of(request(), records) == FIRST
    for sent in (
        request(is_idempotent=False),
        request(digest=b"unknown"),
        request(caller=Caller(b"unknown", None, "keys:verify")),
    ):
        assert idempotency_key_of(sent, records) is None


@pytest.mark.parametrize("code", [Code.VALID, Code.RATE_LIMITED, Code.INSUFFICIENT_CREDITS, Code.DISABLED])
def test_a_retry_gets_the_stored_response_and_has_no_effects(code: Code):
    key, sent = rich("1", plan_rate_limits='[["minute", 1, 60]]'), request(cost=Decimal(1))
    records = stored(sent, code)
    verdicts, effects = outcome([key], sent, sent, idempotency_records=records)
    assert [(verdict.code, verdict.stored_response) for verdict in verdicts] == [(code, records[FIRST].response)] * 2
    assert effects == BatchEffects()


def test_a_retry_repeats_the_response_to_the_letter():
    key = stored_key(("minute", 3, 60), ("hour", 9, 3600), name="ä", balance=Decimal("0.10"))
    sent = request(weight=2)
    _, first = verdicts_on([key], [query(weight=2), sent])
    assert (first.code, first.detail, first.retry_after_ms) == (Code.RATE_LIMITED, "minute", 60_000)
    response = response_json(first, "r")
    records = {FIRST: IdempotencyRecord(fingerprint_of(sent), NOW, response)}
    renamed = key.changed(name="renamed", balance=Decimal(7))
    (retry,) = verdicts_on([renamed], [sent], now=NOW + timedelta(seconds=30), idempotency_records=records)
    assert response_json(retry, "r") == response
    assert orjson.loads(response)["retry_after_seconds"] == 60


@pytest.mark.parametrize("code", [Code.VALID, Code.RATE_LIMITED])
@pytest.mark.parametrize(
    ("passed", "is_repeated"),
    [(timedelta(0), True), (RETRY_PERIOD, True), (RETRY_PERIOD + MOMENT, False), (timedelta(hours=23), False)],
)
def test_after_the_retry_period_the_id_is_refused_and_never_charged_again(
    code: Code, passed: timedelta, is_repeated: bool
):
    sent = request(cost=Decimal(1))
    records = stored(sent, code)
    (found,) = decided_on([rich("9")], [sent], now=NOW + passed, idempotency_records=records)
    if is_repeated:
        assert isinstance(found, Verdict)
        assert found.stored_response == records[FIRST].response
    else:
        assert isinstance(found, RequestIdReused)


REFUSED_SINCE: list[tuple[dict[str, Any], Code, Detail | str]] = [
    ({"revoked_at": NOW}, Code.DISABLED, Detail.REVOKED),
    ({"is_active": False}, Code.DISABLED, Detail.DISABLED),
    ({"expires_at": NOW}, Code.EXPIRED, Detail.KEY),
    ({"secret_expires_at": NOW}, Code.EXPIRED, Detail.SECRET),
    ({"owner_is_active": False}, Code.FORBIDDEN, Detail.OWNER_SUSPENDED),
    ({"owner_locked_until": NOW + timedelta(days=1)}, Code.FORBIDDEN, Detail.OWNER_LOCKED),
    ({"ip_allowlist": ["192.0.2.0/24"]}, Code.FORBIDDEN, Detail.ADDRESS_NOT_ALLOWED),
    ({"scopes": []}, Code.INSUFFICIENT_SCOPES, "a:b"),
]


@pytest.mark.parametrize(("changes", "code", "detail"), REFUSED_SINCE)
@pytest.mark.parametrize("passed", [MOMENT, RETRY_PERIOD + MOMENT])
def test_a_retry_of_an_allowed_call_is_refused_if_the_key_may_not_make_it_any_more(
    changes: dict[str, Any], code: Code, detail: str, passed: timedelta
):
    sent = request(scopes=("a:b",), cost=Decimal(1))
    key = rich("9", **{"scopes": ["a:*"], **changes})
    verdicts, effects = outcome([key], sent, now=NOW + passed, idempotency_records=stored(sent))
    assert [(verdict.code, verdict.detail, verdict.stored_response) for verdict in verdicts] == [(code, detail, None)]
    assert effects == BatchEffects(denials={(5, code, detail): 1}, refusals=[(sent, verdicts[0])])


@pytest.mark.parametrize(("changes", "_code", "_detail"), REFUSED_SINCE)
def test_a_stored_refusal_stays_the_same_refusal(changes: dict[str, Any], _code: Code, _detail: str):
    sent = request(scopes=("a:b",), cost=Decimal(99))
    records = stored(sent, Code.INSUFFICIENT_CREDITS)
    for key in (rich("9", **{"scopes": ["a:*"], **changes}), rich("999", scopes=["a:*"])):
        verdicts, effects = outcome([key], sent, idempotency_records=records)
        assert [verdict.stored_response for verdict in verdicts] == [records[FIRST].response]
        assert effects == BatchEffects()
