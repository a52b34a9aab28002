"""decide(): balances and budgets, repeated requests, and what a batch uses up."""

from datetime import timedelta
from decimal import Decimal

import orjson
import pytest

from apps.verification.domain import BatchEffects, Code, KeyRecord, KeySpending
from apps.verification.schemas.verification import VerifyResponse
from tests.unit.verification.records import NOW, outcome, question, record, verdicts_on

pytestmark = pytest.mark.unit

CENT = Decimal("0.01")


def rich(balance: str, **changes: object) -> KeyRecord:
    return record(balance=Decimal(balance), **changes)


def costs(*amounts: str) -> list:
    return [question(cost=Decimal(amount)) for amount in amounts]


@pytest.mark.parametrize(
    ("cost", "code"),
    [
        ("0", Code.VALID),
        ("0.000001", Code.VALID),
        ("1", Code.VALID),
        ("1.000001", Code.INSUFFICIENT_CREDITS),
        ("99999999999999.999999", Code.INSUFFICIENT_CREDITS),
    ],
)
def test_a_call_may_cost_as_much_as_there_is(cost: str, code: Code):
    verdicts, consequences = outcome([rich("1")], *costs(cost))
    assert [verdict.code for verdict in verdicts] == [code]
    paid = Decimal(cost) if code is Code.VALID else Decimal(0)
    assert verdicts[0].balance == 1 - paid
    assert consequences.debits == ({7: paid} if paid else {})


def test_what_costs_nothing_needs_no_credits():
    (verdict,) = verdicts_on([rich("0")], costs("0"))
    assert (verdict.code, verdict.balance) == (Code.VALID, Decimal(0))


def test_each_call_is_told_the_balance_it_has_left():
    verdicts = verdicts_on([rich("1")], costs("0.4", "0.7", "0.5", "0.1", "0.1", "0"))
    assert [verdict.code for verdict in verdicts] == [
        Code.VALID, Code.INSUFFICIENT_CREDITS, Code.VALID, Code.VALID, Code.INSUFFICIENT_CREDITS, Code.VALID,
    ]  # fmt: skip
    assert [str(verdict.balance) for verdict in verdicts] == ["0.6", "0.6", "0.1", "0.0", "0.0", "0.0"]


def test_no_cent_is_lost_in_many_small_calls():
    verdicts, consequences = outcome([rich("1")], *[question(cost=CENT)] * 101)
    assert [verdict.code for verdict in verdicts] == [Code.VALID] * 100 + [Code.INSUFFICIENT_CREDITS]
    assert consequences.debits == {7: Decimal(1)}


def test_keys_of_one_customer_spend_the_same_balance():
    keys = [rich("1"), rich("1", key_id=6, digest=b"other")]
    asked = [question(cost=CENT * 60), question(digest=b"other", cost=CENT * 60), question(digest=b"other", cost=CENT)]
    verdicts, consequences = outcome(keys, *asked)
    assert [verdict.code for verdict in verdicts] == [Code.VALID, Code.INSUFFICIENT_CREDITS, Code.VALID]
    assert [verdict.balance for verdict in verdicts] == [CENT * 40, CENT * 40, CENT * 39]
    assert consequences.debits == {7: CENT * 61}


def test_customers_have_balances_of_their_own():
    keys = [rich("1"), rich("2", key_id=6, user_id=8, digest=b"other")]
    asked = [question(cost=Decimal(1)), question(digest=b"other", cost=Decimal(1)), question(cost=CENT)]
    verdicts, consequences = outcome(keys, *asked)
    assert [verdict.code for verdict in verdicts] == [Code.VALID, Code.VALID, Code.INSUFFICIENT_CREDITS]
    assert consequences.debits == {7: Decimal(1), 8: Decimal(1)}


@pytest.mark.parametrize(
    ("spent", "cost", "code"),
    [
        ("0", "2", Code.VALID),
        ("0", "2.000001", Code.INSUFFICIENT_CREDITS),
        ("1.5", "0.5", Code.VALID),
        ("1.5", "0.500001", Code.INSUFFICIENT_CREDITS),
        ("2", "0", Code.VALID),
        ("2", "0.000001", Code.INSUFFICIENT_CREDITS),
        ("3", "0", Code.VALID),
        ("3", "0.000001", Code.INSUFFICIENT_CREDITS),
    ],
)
def test_a_key_spends_no_more_than_its_budget(spent: str, cost: str, code: Code):
    key = rich("10", budget=Decimal(2), budget_spent=Decimal(spent))
    (verdict,) = verdicts_on([key], costs(cost))
    assert verdict.code is code


def test_a_budget_of_nothing_allows_what_costs_nothing():
    verdicts = verdicts_on([rich("10", budget=Decimal(0))], costs("0", "0.000001"))
    assert [verdict.code for verdict in verdicts] == [Code.VALID, Code.INSUFFICIENT_CREDITS]


@pytest.mark.parametrize(("balance", "budget"), [("1", "2"), ("2", "1")])
def test_both_the_budget_and_the_balance_must_allow_it(balance: str, budget: str):
    verdicts, consequences = outcome([rich(balance, budget=Decimal(budget))], *costs("0.6", "0.6", "0.4", "0.1"))
    assert [verdict.code for verdict in verdicts] == [
        Code.VALID, Code.INSUFFICIENT_CREDITS, Code.VALID, Code.INSUFFICIENT_CREDITS,
    ]  # fmt: skip
    assert consequences.debits == {7: Decimal(1)}
    assert [spending.budget_spent for spending in consequences.spendings] == [Decimal(1)]


def test_what_is_spent_is_counted_without_a_budget_too():
    _, consequences = outcome([rich("5", budget_spent=Decimal(2))], *costs("1", "1"))
    assert consequences.spendings == [KeySpending(5, "[]", Decimal(4))]


def test_what_a_batch_uses_up():
    keys = [rich("5"), rich("5", key_id=6, digest=b"other"), rich("5", key_id=9, digest=b"unused")]
    allowed = question(cost=Decimal(2), tag="a", request_id="one")
    free = question(digest=b"other", tag="b", request_id="two")
    refused = question(digest=b"unused", cost=Decimal(4))
    _, consequences = outcome(keys, allowed, refused, free, question(digest=b"unknown"))
    assert consequences == BatchEffects(
        calls=[(allowed, keys[0]), (free, keys[1])],
        spendings=[KeySpending(5, "[]", Decimal(2)), KeySpending(6, "[]", Decimal(0))],
        debits={7: Decimal(2)},
        denials={(9, Code.INSUFFICIENT_CREDITS): 1},
    )


def test_a_repeated_request_of_a_batch_is_answered_again_and_charged_once():
    key = record(("minute", 5, 60), balance=Decimal(5))
    repeated = question(cost=Decimal(2), request_id="r", is_repeatable=True)
    changed = repeated._replace(cost=Decimal(9), weight=9, scopes=("a:b",))
    verdicts, consequences = outcome([key], repeated, question(cost=Decimal(1)), changed, repeated)
    assert [verdict.code for verdict in verdicts] == [Code.VALID] * 4
    assert verdicts[0] == verdicts[2] == verdicts[3]
    assert [verdict.balance for verdict in verdicts] == [3, 2, 3, 3]
    assert consequences.debits == {7: Decimal(3)}
    assert len(consequences.calls) == 2


def test_a_repeated_refusal_is_counted_once():
    repeated = question(cost=Decimal(2), request_id="r", is_repeatable=True)
    verdicts, consequences = outcome([rich("1")], repeated, repeated)
    assert [verdict.code for verdict in verdicts] == [Code.INSUFFICIENT_CREDITS] * 2
    assert consequences == BatchEffects(denials={(5, Code.INSUFFICIENT_CREDITS): 1})


def test_requests_that_are_not_repeatable_or_of_other_keys_are_others():
    keys = [rich("5"), rich("5", key_id=6, digest=b"other")]
    asked = question(cost=Decimal(1), request_id="r")
    repeatable = asked._replace(is_repeatable=True)
    verdicts, consequences = outcome(
        keys, asked, asked, repeatable, repeatable._replace(digest=b"other"), repeatable._replace(request_id="s")
    )
    assert [verdict.balance for verdict in verdicts] == [4, 3, 2, 1, 0]
    assert len(consequences.calls) == 5


def test_the_request_ids_of_two_secrets_of_a_key_are_the_same():
    keys = [rich("5"), rich("5", digest=b"old")]
    asked = question(cost=Decimal(1), request_id="r", is_repeatable=True)
    verdicts, consequences = outcome(keys, asked, asked._replace(digest=b"old"))
    assert verdicts[0] == verdicts[1]
    assert consequences.debits == {7: Decimal(1)}


@pytest.mark.parametrize("code", [Code.VALID, Code.RATE_LIMITED, Code.INSUFFICIENT_CREDITS, Code.DISABLED])
def test_a_request_that_was_answered_before_gets_that_answer_and_uses_nothing(code: Code):
    first = VerifyResponse(valid=code is Code.VALID, code=code, request_id="r").model_dump_json()
    key = record(("minute", 1, 60), balance=Decimal(1), expires_at=NOW - timedelta(days=1))
    asked = question(cost=Decimal(1), request_id="r", is_repeatable=True)
    for known_key in (key, key._replace(expires_at=None)):
        verdicts, consequences = outcome([known_key], asked, asked, first_answers={(5, "r"): first})
        assert [(verdict.code, verdict.first_answer) for verdict in verdicts] == [(code, first)] * 2
        assert consequences == BatchEffects()
    assert orjson.loads(verdicts_on([key], [asked], first_answers={(5, "r"): first})[0].first_answer or "")


def test_a_first_answer_to_another_request_or_key_is_none():
    first = VerifyResponse(valid=False, code=Code.DISABLED, request_id="r").model_dump_json()
    asked = question(request_id="r", is_repeatable=True)
    for name in ((5, "s"), (6, "r")):
        (verdict,) = verdicts_on([record()], [asked], first_answers={name: first})
        assert (verdict.code, verdict.first_answer) == (Code.VALID, None)
