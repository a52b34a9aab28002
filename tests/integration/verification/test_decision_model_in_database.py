"""The simple model against the service, its repository and PostgreSQL; only the clock is the test's."""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from pydantic import SecretStr

from apps.api_keys.models import ApiKeyCounter
from apps.api_keys.services.key_format import generate_key
from apps.core.authorization.principal import OPERATOR
from apps.credits.models import CreditBalance, LedgerEntry
from apps.plans.models import Plan
from apps.usage.models import UsageDenial, UsageRecord
from apps.users.models import User
from apps.verification.domain import VerificationQuery
from apps.verification.repositories.decision_repository import DecisionRepository, OpenBatch
from apps.verification.schemas.verification import VerifyRequest, VerifyResponse
from apps.verification.services.idempotency import RequestIdReused
from apps.verification.services.verification_service import VerificationService
from tests.integration.verification.verifying import run_on_a_loop
from tests.support.factories import IssuedKey, give_credits, make_key, make_plan, make_user
from tests.unit.verification.decision_model import RETRY_PERIOD_MS, Call, Customer, DecisionModel, ModelKey, Outcome
from tests.unit.verification.records import NOW
from tests.unit.verification.scenarios import Scenario, scenarios

UNKNOWN_KEY = generate_key("live")


class ClockedRepository(DecisionRepository):
    """Decides at the time `now_ms`."""

    now_ms = 0

    @asynccontextmanager
    async def open_batch(
        self, queries: Sequence[VerificationQuery], *, skip_locked: bool = False
    ) -> AsyncIterator[OpenBatch]:
        async with super().open_batch(queries, skip_locked=skip_locked) as opened:
            opened.snapshot = replace(opened.snapshot, now=NOW + timedelta(milliseconds=self.now_ms))
            yield opened


@dataclass
class World:
    """A scenario's rows."""

    users: list[User]
    keys: list[IssuedKey]
    batches: list[set[int]] = field(default_factory=list)  # the customers that each has charged

    @classmethod
    def of(cls, customers: list[Customer], keys: list[ModelKey]) -> "World":
        users = [make_user(plan=_make_plan(customer)) for customer in customers]
        for user, customer in zip(users, customers, strict=True):
            if customer.credits:
                give_credits(user, customer.credits)
        return cls(users, [_make_key(users[key.customer], key) for key in keys])

    def request(self, call: Call) -> VerifyRequest:
        key = self.keys[call.key].secret if call.key < len(self.keys) else UNKNOWN_KEY
        charge = {"operation": call.operation, "units": call.units} if call.operation else {"cost": call.cost}
        return VerifyRequest(key=SecretStr(key), **charge, weight=call.weight, request_id=call.request_id)


def _make_plan(customer: Customer) -> Plan:
    return make_plan(*customer.rate_limits, prices={name: str(price) for name, price in customer.prices.items()})


def _make_key(user: User, key: ModelKey) -> IssuedKey:
    rate_limits = [dict(zip(("name", "limit", "period_seconds"), window, strict=True)) for window in key.rate_limits]
    return make_key(user, is_active=key.is_active, budget=key.budget, rate_limits=rate_limits)


def _outcome(answer: VerifyResponse | BaseException) -> Outcome:
    if isinstance(answer, RequestIdReused):
        return Outcome(answer.code)
    assert isinstance(answer, VerifyResponse), answer
    if answer.code == "NOT_FOUND":
        return Outcome("NOT_FOUND")
    remaining = {window.name: window.remaining for window in answer.rate_limits}
    return Outcome(answer.code, answer.balance, remaining, answer.retry_after_seconds)


def _in_seconds(outcome: Outcome) -> Outcome:
    wait_ms = outcome.retry_after_ms
    return outcome if wait_ms is None else outcome._replace(retry_after_ms=math.ceil(wait_ms / 1000))


async def _run(scenario: Scenario, world: World, model: DecisionModel) -> None:
    repository = ClockedRepository()
    service = VerificationService(repository, timedelta(milliseconds=RETRY_PERIOD_MS))
    for gap_ms, calls in scenario.batches:
        repository.now_ms += gap_ms
        sent = [service.verify(OPERATOR, world.request(call)) for call in calls]
        answers = await asyncio.gather(*sent, return_exceptions=True)
        already = len(model.allowed)
        expected = [model.verify(call, repository.now_ms) for call in calls]
        assert [_outcome(answer) for answer in answers] == [_in_seconds(outcome) for outcome in expected]
        world.batches.append({scenario.keys[past.key].customer for past in model.allowed[already:] if past.cost})


@given(scenario=scenarios())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_agrees_with_the_model(database: None, scenario: Scenario):
    world, model = World.of(*scenario[:2]), DecisionModel(*scenario[:2])
    run_on_a_loop(lambda: _run(scenario, world, model))
    _check_ledger(world, model)
    _check_keys(world, model)


def _check_ledger(world: World, model: DecisionModel) -> None:
    for number, user in enumerate(world.users):
        entries = list(LedgerEntry.objects.filter(user=user).order_by("id"))
        charges = [entry for entry in entries if entry.type == "usage"]
        assert CreditBalance.objects.get(pk=user.pk).balance == model.balance(number)
        assert sum(entry.amount for entry in entries) == model.balance(number)
        assert len(charges) == sum(number in charged for charged in world.batches)
        for entry in charges:
            calls = UsageRecord.objects.filter(credit_transaction_id=entry.pk)
            assert {call.user_id for call in calls} == {user.pk}
            assert sum(call.cost for call in calls) == -entry.amount


def _check_keys(world: World, model: DecisionModel) -> None:
    for number, key in enumerate(world.keys):
        counter = ApiKeyCounter.objects.get(pk=key.id)
        allowed = [past for past in model.allowed if past.key == number]
        events = UsageRecord.objects.filter(api_key_id=key.id)
        assert counter.budget_spent == model.spent(number)
        assert Counter((event.cost, event.weight) for event in events) == Counter(
            (past.cost, past.weight) for past in allowed
        )
        assert {event.credit_transaction_id is None for event in events if event.cost} <= {False}
        assert {event.credit_transaction_id for event in events if not event.cost} <= {None}
        denied = Counter[str]()
        for denial in UsageDenial.objects.filter(api_key_id=key.id):
            denied[denial.code] += denial.count
        assert denied == {code: count for (of, code), count in model.denials.items() if of == number}
