"""decide() agrees with a simple model, call by call, however the calls are divided into batches."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
from hypothesis import event, given, settings

from apps.verification.domain import BatchEffects, Code, KeyRecord, Verdict, VerificationQuery
from tests.unit.verification.decision_model import Call, Customer, DecisionModel, ModelKey, Outcome
from tests.unit.verification.records import NOW, outcome, record
from tests.unit.verification.scenarios import Scenario, scenarios

pytestmark = pytest.mark.unit

SECRETS = 2  # of each key, as in the grace period of a rotation


@dataclass
class Database:
    """Keeps the effects of a batch for the next, as the real database does."""

    customers: list[Customer]
    keys: list[ModelKey]
    counters: dict[int, str] = field(default_factory=dict)
    spent: dict[int, Decimal] = field(default_factory=dict)
    debits: Counter[int] = field(default_factory=Counter)
    denials: Counter[tuple[int, str]] = field(default_factory=Counter)
    calls: list[tuple[VerificationQuery, KeyRecord]] = field(default_factory=list)
    idempotency_records: dict[tuple[int, str], str] = field(default_factory=dict)

    def balance(self, customer: int) -> Decimal:
        return self.customers[customer].credits - self.debits[customer]

    def run(self, calls: list[Call], now_ms: int) -> list[Outcome]:
        """Decide a batch, write its effects, and return the outcome of each call."""
        queries = [_query(call, number) for number, call in enumerate(calls)]
        now = NOW + timedelta(milliseconds=now_ms)
        verdicts, effects = outcome(self._records(), *queries, now=now, idempotency_records=self.idempotency_records)
        outcomes = [_outcome(verdict) for verdict in verdicts]
        self._write(effects)
        for query, verdict, answer in zip(queries, verdicts, outcomes, strict=True):
            if query.is_idempotent and verdict.record:
                self.idempotency_records.setdefault((verdict.record.key_id, query.request_id), _stored(answer))
        return outcomes

    def _records(self) -> list[KeyRecord]:
        return [
            record(
                *self.customers[key.customer].rate_limits,
                digest=_digest(number, secret),
                key_id=number,
                user_id=key.customer,
                is_active=key.is_active,
                rate_limits=orjson.dumps(
                    [dict(zip(("name", "limit", "period_seconds"), window, strict=True)) for window in key.rate_limits]
                ).decode(),
                budget=key.budget,
                counters=self.counters.get(number, "[]"),
                budget_spent=self.spent.get(number, Decimal(0)),
                balance=self.balance(key.customer),
            )
            for number, key in enumerate(self.keys)
            for secret in range(SECRETS)
        ]

    def _write(self, effects: BatchEffects) -> None:
        assert all(amount > 0 for amount in effects.debits.values())
        for spending in effects.counter_updates:
            self.counters[spending.key_id] = spending.counters
            self.spent[spending.key_id] = spending.budget_spent
        self.debits.update(effects.debits)
        self.denials.update({(key, str(code)): count for (key, code), count in effects.denials.items()})
        self.calls += effects.calls


def _digest(key: int, secret: int) -> bytes:
    return f"{key} {secret}".encode()


def _query(call: Call, number: int) -> VerificationQuery:
    return VerificationQuery(
        _digest(call.key, number % SECRETS),
        cost=call.cost,
        weight=call.weight,
        request_id=call.request_id or f"made {number}",
        is_idempotent=call.request_id is not None,
    )


def _outcome(verdict: Verdict) -> Outcome:
    if verdict.stored_response is not None:
        code, balance, remaining, wait_ms = orjson.loads(verdict.stored_response)["stored"]
        assert str(verdict.code) == code
        return Outcome(code, Decimal(balance), remaining, wait_ms)
    if verdict.record is None:
        return Outcome(verdict.code)
    remaining = {window.name: window.remaining for window in verdict.rate_limits}
    return Outcome(verdict.code, verdict.balance, remaining, verdict.retry_after_ms)


def _stored(answer: Outcome) -> str:
    return orjson.dumps({"code": answer.code, "stored": [answer.code, str(answer.balance), *answer[2:]]}).decode()


@given(scenarios())
@settings(max_examples=250, deadline=None)
def test_batches_agree_with_the_model_call_by_call(scenario: Scenario):
    model, database = DecisionModel(*scenario[:2]), Database(*scenario[:2])
    now_ms = 0
    for gap_ms, calls in scenario.batches:
        now_ms += gap_ms
        outcomes = database.run(calls, now_ms)
        assert outcomes == [model.verify(call, now_ms) for call in calls]
        assert database.denials == model.denials
        assert len(database.calls) == len(model.allowed)
        for customer in range(len(scenario.customers)):
            assert database.balance(customer) == model.balance(customer) >= 0
        for key in range(len(scenario.keys)):
            assert database.spent.get(key, Decimal(0)) == model.spent(key)
        for code in {answer.code for answer in outcomes}:
            event(code)
    assert [(call.cost, call.weight) for call, _ in database.calls] == [allowed[2:] for allowed in model.allowed]


def test_the_model_returns_every_code_of_limits_and_credits():
    key = ModelKey(0, (), None, True)
    model = DecisionModel([Customer((("a", 2, 60),), Decimal(1))], [key, key._replace(is_active=False)])
    sent = [(0, 1, 1), (0, 1, 1), (0, 0, 1), (0, 0, 1), (0, 0, 3), (1, 0, 1), (2, 0, 1)]
    outcomes = [model.verify(Call(key, Decimal(cost), weight, None), 70) for key, cost, weight in sent]
    assert [(answer.code, answer.retry_after_ms) for answer in outcomes] == [
        (Code.VALID, None),
        (Code.INSUFFICIENT_CREDITS, None),
        (Code.VALID, None),
        (Code.RATE_LIMITED, 60_000),
        (Code.RATE_LIMITED, None),
        (Code.DISABLED, None),
        (Code.NOT_FOUND, None),
    ]
