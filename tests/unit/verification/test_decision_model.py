"""Whatever is asked, however it is cut into batches: decide() says what a plain model of it says, call by call."""

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

SECRETS = 2  # of each key: a rotation's grace


@dataclass
class Database:
    """Keeps what a batch has left for the next, as the real one would."""

    customers: list[Customer]
    keys: list[ModelKey]
    logs: dict[int, str] = field(default_factory=dict)
    spent: dict[int, Decimal] = field(default_factory=dict)
    debits: Counter[int] = field(default_factory=Counter)
    denials: Counter[tuple[int, str]] = field(default_factory=Counter)
    calls: list[tuple[VerificationQuery, KeyRecord]] = field(default_factory=list)
    first_answers: dict[tuple[int, str], str] = field(default_factory=dict)

    def balance(self, customer: int) -> Decimal:
        return self.customers[customer].credits - self.debits[customer]

    def run(self, calls: list[Call], now_ms: int) -> list[Outcome]:
        """Decide a batch, write what it used up, and return what each call is told."""
        questions = [_question(call, number) for number, call in enumerate(calls)]
        now = NOW + timedelta(milliseconds=now_ms)
        verdicts, consequences = outcome(self._records(), *questions, now=now, first_answers=self.first_answers)
        told = [_told(verdict) for verdict in verdicts]
        self._write(consequences)
        for question, verdict, answer in zip(questions, verdicts, told, strict=True):
            if question.is_repeatable and verdict.record:
                self.first_answers.setdefault((verdict.record.key_id, question.request_id), _kept(answer))
        return told

    def _records(self) -> list[KeyRecord]:
        return [
            record(
                *self.customers[key.customer].windows,
                digest=_digest(number, secret),
                key_id=number,
                user_id=key.customer,
                is_active=key.is_active,
                rate_limits=orjson.dumps(
                    [dict(zip(("name", "limit", "period_seconds"), window, strict=True)) for window in key.windows]
                ).decode(),
                budget=key.budget,
                logs=self.logs.get(number, "[]"),
                budget_spent=self.spent.get(number, Decimal(0)),
                balance=self.balance(key.customer),
            )
            for number, key in enumerate(self.keys)
            for secret in range(SECRETS)
        ]

    def _write(self, consequences: BatchEffects) -> None:
        assert all(amount > 0 for amount in consequences.debits.values())
        for spending in consequences.spendings:
            self.logs[spending.key_id] = spending.logs
            self.spent[spending.key_id] = spending.budget_spent
        self.debits.update(consequences.debits)
        self.denials.update({(key, str(code)): count for (key, code), count in consequences.denials.items()})
        self.calls += consequences.calls


def _digest(key: int, secret: int) -> bytes:
    return f"{key} {secret}".encode()


def _question(call: Call, number: int) -> VerificationQuery:
    return VerificationQuery(
        _digest(call.key, number % SECRETS),
        cost=call.cost,
        weight=call.weight,
        request_id=call.request_id or f"made {number}",
        is_repeatable=call.request_id is not None,
    )


def _told(verdict: Verdict) -> Outcome:
    if verdict.first_answer is not None:
        code, balance, remaining, wait_ms = orjson.loads(verdict.first_answer)["kept"]
        assert str(verdict.code) == code
        return Outcome(code, Decimal(balance), remaining, wait_ms)
    if verdict.record is None:
        return Outcome(verdict.code)
    remaining = {window.name: window.remaining for window in verdict.rate_limits}
    return Outcome(verdict.code, verdict.balance, remaining, verdict.retry_after_ms)


def _kept(answer: Outcome) -> str:
    return orjson.dumps({"code": answer.code, "kept": [answer.code, str(answer.balance), *answer[2:]]}).decode()


@given(scenarios())
@settings(max_examples=250, deadline=None)
def test_batches_say_what_the_model_says_call_by_call(scenario: Scenario):
    model, database = DecisionModel(*scenario[:2]), Database(*scenario[:2])
    now_ms = 0
    for gap_ms, calls in scenario.batches:
        now_ms += gap_ms
        told = database.run(calls, now_ms)
        assert told == [model.ask(call, now_ms) for call in calls]
        assert database.denials == model.denials
        assert len(database.calls) == len(model.allowed)
        for customer in range(len(scenario.customers)):
            assert database.balance(customer) == model.balance(customer) >= 0
        for key in range(len(scenario.keys)):
            assert database.spent.get(key, Decimal(0)) == model.spent(key)
        for code in {answer.code for answer in told}:
            event(code)
    assert [(call.cost, call.weight) for call, _ in database.calls] == [allowed[2:] for allowed in model.allowed]


def test_the_model_knows_every_code_that_limits_and_credits_give():
    key = ModelKey(0, (), None, True)
    model = DecisionModel([Customer((("a", 2, 60),), Decimal(1))], [key, key._replace(is_active=False)])
    asked = [(0, 1, 1), (0, 1, 1), (0, 0, 1), (0, 0, 1), (0, 0, 3), (1, 0, 1), (2, 0, 1)]
    told = [model.ask(Call(key, Decimal(cost), weight, None), 70) for key, cost, weight in asked]
    assert [(answer.code, answer.retry_after_ms) for answer in told] == [
        (Code.VALID, None),
        (Code.INSUFFICIENT_CREDITS, None),
        (Code.VALID, None),
        (Code.RATE_LIMITED, 60_000),
        (Code.RATE_LIMITED, None),
        (Code.DISABLED, None),
        (Code.NOT_FOUND, None),
    ]
