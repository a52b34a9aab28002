"""decide() agrees with a simple model, call by call, however the calls are divided into batches."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
from hypothesis import event, given, settings

from apps.verification.domain import (
    BatchEffects,
    Code,
    IdempotencyKey,
    IdempotencyRecord,
    KeyCounters,
    KeyRecord,
    Verdict,
    VerificationQuery,
)
from apps.verification.services.decision import Decided, decide
from apps.verification.services.idempotency import RequestIdReused, fingerprint_of
from tests.unit.verification.decision_model import (
    RETRY_PERIOD_MS,
    Call,
    Customer,
    DecisionModel,
    ModelKey,
    Outcome,
)
from tests.unit.verification.records import NOW, StoredKey, snapshot, stored_key
from tests.unit.verification.scenarios import Scenario, scenarios

pytestmark = pytest.mark.unit

SERVICE = "api_key:1"
SECRETS = 2  # of each key, as in the grace period of a rotation


@dataclass
class Database:
    """Keeps the effects of a batch for the next, as the real database does."""

    customers: list[Customer]
    keys: list[ModelKey]
    counters: dict[int, KeyCounters] = field(default_factory=dict)
    debits: Counter[int] = field(default_factory=Counter)
    denials: Counter[tuple[int, str]] = field(default_factory=Counter)
    calls: list[tuple[VerificationQuery, KeyRecord]] = field(default_factory=list)
    idempotency_records: dict[IdempotencyKey, IdempotencyRecord] = field(default_factory=dict)

    def balance(self, customer: int) -> Decimal:
        return self.customers[customer].credits - self.debits[customer]

    def run(self, calls: list[Call], now_ms: int) -> list[Outcome]:
        """Decide a batch, write its effects, and return the outcome of each call."""
        queries = [_query(call, number) for number, call in enumerate(calls)]
        now = NOW + timedelta(milliseconds=now_ms)
        found = snapshot(*self._keys(), now=now, idempotency_records=self.idempotency_records)
        decided, effects = decide(found, queries, timedelta(milliseconds=RETRY_PERIOD_MS))
        outcomes = [_outcome(each) for each in decided]
        self._write(effects)
        for query, each, answer in zip(queries, decided, outcomes, strict=True):
            if query.is_idempotent and isinstance(each, Verdict) and each.record:
                name = IdempotencyKey(SERVICE, each.record.key_id, query.request_id)
                stored = IdempotencyRecord(fingerprint_of(query), now, _stored(answer))
                self.idempotency_records.setdefault(name, stored)
        return outcomes

    def spent(self, key: int) -> Decimal:
        return self.counters[key].budget_spent if key in self.counters else Decimal(0)

    def _keys(self) -> list[StoredKey]:
        return [
            stored_key(
                *self.customers[key.customer].rate_limits,
                digest=_digest(number, secret),
                plan_prices=orjson.dumps(self.customers[key.customer].prices, default=str).decode(),
                key_id=number,
                user_id=key.customer,
                is_active=key.is_active,
                rate_limits=orjson.dumps(
                    [dict(zip(("name", "limit", "period_seconds"), window, strict=True)) for window in key.rate_limits]
                ).decode(),
                **self.counters.get(number, KeyCounters())._replace(budget=key.budget)._asdict(),
                balance=self.balance(key.customer),
            )
            for number, key in enumerate(self.keys)
            for secret in range(SECRETS)
        ]

    def _write(self, effects: BatchEffects) -> None:
        assert all(amount > 0 for amount in effects.debits.values())
        for spending in effects.counter_updates:
            self.counters[spending.key_id] = KeyCounters(spending.entries, budget_spent=spending.budget_spent)
        self.debits.update(effects.debits)
        for (key, code, _), count in effects.denials.items():
            self.denials[key, str(code)] += count
        self.calls += effects.calls


def _digest(key: int, secret: int) -> bytes:
    return f"{key} {secret}".encode()


def _query(call: Call, number: int) -> VerificationQuery:
    return VerificationQuery(
        digest=_digest(call.key, number % SECRETS),
        cost=call.cost,
        operation=call.operation or "",
        units=call.units,
        weight=call.weight,
        request_id=call.request_id or f"made {number}",
        is_idempotent=call.request_id is not None,
        caller_name=SERVICE,
    )


def _outcome(verdict: Decided) -> Outcome:
    if isinstance(verdict, RequestIdReused):
        return Outcome(verdict.code)
    if verdict.stored_response is not None:
        code, balance, remaining, wait_ms = orjson.loads(verdict.stored_response)["stored"]
        assert str(verdict.code) == code
        return Outcome(code, Decimal(balance), remaining, wait_ms)
    if verdict.record is None:
        return Outcome(verdict.code)
    remaining = {window.name: window.remaining for window in verdict.rate_limits}
    return Outcome(verdict.code, verdict.balance, remaining, verdict.retry_after_ms)


def _stored(answer: Outcome) -> bytes:
    return orjson.dumps({"code": answer.code, "stored": [answer.code, str(answer.balance), *answer[2:]]})


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
            assert database.spent(key) == model.spent(key)
        for code in {answer.code for answer in outcomes}:
            event(code)
    assert [(call.cost, call.weight) for call, _ in database.calls] == [allowed[2:] for allowed in model.allowed]


def test_the_model_returns_every_code_of_limits_and_credits():
    key = ModelKey(0, (), None, True)
    model = DecisionModel([Customer((("a", 2, 60),), Decimal(1), {})], [key, key._replace(is_active=False)])
    sent = [(0, 1, 1), (0, 1, 1), (0, 0, 1), (0, 0, 1), (0, 0, 3), (1, 0, 1), (2, 0, 1)]
    outcomes = [model.verify(Call(key, Decimal(cost), None, 1, weight, None), 70) for key, cost, weight in sent]
    assert [(answer.code, answer.retry_after_ms) for answer in outcomes] == [
        (Code.VALID, None),
        (Code.INSUFFICIENT_CREDITS, None),
        (Code.VALID, None),
        (Code.RATE_LIMITED, 60_000),
        (Code.RATE_LIMITED, None),
        (Code.DISABLED, None),
        (Code.NOT_FOUND, None),
    ]
