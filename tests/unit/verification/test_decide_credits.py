"""decide(): balances and budgets, and the effects of a batch."""

from decimal import Decimal

import pytest

from apps.verification.domain import BatchEffects, Code, CounterUpdate, Detail
from tests.unit.verification.records import StoredKey, outcome, query, stored_key, verdicts_on

pytestmark = pytest.mark.unit

CENT = Decimal("0.01")


def rich(balance: str, **changes: object) -> StoredKey:
    return stored_key(balance=Decimal(balance), **changes)


def costs(*amounts: str) -> list:
    return [query(cost=Decimal(amount)) for amount in amounts]


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
def test_a_call_may_cost_the_whole_balance(cost: str, code: Code):
    verdicts, effects = outcome([rich("1")], *costs(cost))
    assert [verdict.code for verdict in verdicts] == [code]
    paid = Decimal(cost) if code is Code.VALID else Decimal(0)
    assert verdicts[0].balance == 1 - paid
    assert effects.debits == ({7: paid} if paid else {})


def test_a_free_call_needs_no_credits():
    (verdict,) = verdicts_on([rich("0")], costs("0"))
    assert (verdict.code, verdict.balance) == (Code.VALID, Decimal(0))


def test_each_verdict_has_the_balance_after_the_call():
    verdicts = verdicts_on([rich("1")], costs("0.4", "0.7", "0.5", "0.1", "0.1", "0"))
    assert [verdict.code for verdict in verdicts] == [
        Code.VALID, Code.INSUFFICIENT_CREDITS, Code.VALID, Code.VALID, Code.INSUFFICIENT_CREDITS, Code.VALID,
    ]  # fmt: skip
    assert [str(verdict.balance) for verdict in verdicts] == ["0.6", "0.6", "0.1", "0.0", "0.0", "0.0"]


def test_small_amounts_add_up_exactly():
    verdicts, effects = outcome([rich("1")], *[query(cost=CENT)] * 101)
    assert [verdict.code for verdict in verdicts] == [Code.VALID] * 100 + [Code.INSUFFICIENT_CREDITS]
    assert effects.debits == {7: Decimal(1)}


def test_keys_of_one_customer_spend_the_same_balance():
    keys = [rich("1"), rich("1", key_id=6, digest=b"other")]
    sent = [query(cost=CENT * 60), query(digest=b"other", cost=CENT * 60), query(digest=b"other", cost=CENT)]
    verdicts, effects = outcome(keys, *sent)
    assert [verdict.code for verdict in verdicts] == [Code.VALID, Code.INSUFFICIENT_CREDITS, Code.VALID]
    assert [verdict.balance for verdict in verdicts] == [CENT * 40, CENT * 40, CENT * 39]
    assert effects.debits == {7: CENT * 61}


def test_customers_have_separate_balances():
    keys = [rich("1"), rich("2", key_id=6, user_id=8, digest=b"other")]
    sent = [query(cost=Decimal(1)), query(digest=b"other", cost=Decimal(1)), query(cost=CENT)]
    verdicts, effects = outcome(keys, *sent)
    assert [verdict.code for verdict in verdicts] == [Code.VALID, Code.VALID, Code.INSUFFICIENT_CREDITS]
    assert effects.debits == {7: Decimal(1), 8: Decimal(1)}


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


def test_a_budget_of_zero_allows_free_calls():
    verdicts = verdicts_on([rich("10", budget=Decimal(0))], costs("0", "0.000001"))
    assert [verdict.code for verdict in verdicts] == [Code.VALID, Code.INSUFFICIENT_CREDITS]


@pytest.mark.parametrize(("balance", "budget"), [("1", "2"), ("2", "1")])
def test_both_the_budget_and_the_balance_must_allow_it(balance: str, budget: str):
    verdicts, effects = outcome([rich(balance, budget=Decimal(budget))], *costs("0.6", "0.6", "0.4", "0.1"))
    assert [verdict.code for verdict in verdicts] == [
        Code.VALID, Code.INSUFFICIENT_CREDITS, Code.VALID, Code.INSUFFICIENT_CREDITS,
    ]  # fmt: skip
    assert effects.debits == {7: Decimal(1)}
    assert [spending.budget_spent for spending in effects.counter_updates] == [Decimal(1)]


def test_spending_is_counted_without_a_budget():
    _, effects = outcome([rich("5", budget_spent=Decimal(2))], *costs("1", "1"))
    assert effects.counter_updates == [CounterUpdate(5, b"", Decimal(4))]


def test_the_effects_of_a_batch():
    keys = [rich("5"), rich("5", key_id=6, digest=b"other"), rich("5", key_id=9, digest=b"unused")]
    allowed = query(cost=Decimal(2), tag="a", request_id="one")
    free = query(digest=b"other", tag="b", request_id="two")
    refused = query(digest=b"unused", cost=Decimal(4))
    unknown = query(digest=b"unknown")
    verdicts, effects = outcome(keys, allowed, refused, free, unknown)
    assert effects == BatchEffects(
        calls=[(allowed, keys[0].record), (free, keys[1].record)],
        counter_updates=[CounterUpdate(5, b"", Decimal(2)), CounterUpdate(6, b"", Decimal(0))],
        debits={7: Decimal(2)},
        denials={(9, Code.INSUFFICIENT_CREDITS, Detail.BALANCE): 1},
        refusals=[(refused, verdicts[1]), (unknown, verdicts[3])],
    )
