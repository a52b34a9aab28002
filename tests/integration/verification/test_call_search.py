"""Any call with a request id is found by it, allowed or refused, by its key's owner and by staff."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from apps.core.authorization.principal import Principal
from apps.core.errors import InsufficientScopes
from apps.core.event_loop import call_service
from apps.usage.dependencies import refusal_samples
from apps.usage.models import Refusal, UsageEvent
from apps.usage.schemas.call import Call
from apps.verification.dependencies import call_search
from apps.verification.models import VerificationAnswer
from tests.integration.usage.pending import expand
from tests.integration.verification.verifying import make_limited_key, verify
from tests.support.callers import key_of, session_of, staff_of
from tests.support.factories import IssuedKey, give_credits, make_key
from tests.support.orm import make, run_in_transaction

pytestmark = pytest.mark.usefixtures("database")

PARTITIONS = """
SELECT (SELECT count(*) FROM pg_inherits WHERE inhparent = 'usage_events'::regclass),
    (SELECT count(*) FROM pg_inherits WHERE inhparent = 'usage_events_request'::regclass)
"""
SUPPORT = staff_of(1, "keys:read")


async def found(request_id: str, actor: Principal = SUPPORT) -> list[tuple[str, int | None]]:
    return [(call.code, call.key_id) for call in await call_search().find(actor, request_id)]


def owner_of(key: IssuedKey) -> Principal:
    return session_of(key.row.user_id)


async def test_allowed_call_is_found_before_and_after_its_batch_is_expanded(api):
    key = await make(make_limited_key)
    await make(give_credits, key.row.user, 3)
    verdict = await verify(api, key.secret, cost="2", tag="eu")
    pending = await call_search().find(SUPPORT, verdict["request_id"])
    (call,) = pending
    assert (call.code, call.key_id, call.weight, call.tag) == ("VALID", key.id, 1, "eu")
    assert (call.cost, call.credit_transaction_id is not None) == (Decimal(2), True)
    await run_in_transaction(expand)
    assert await run_in_transaction(UsageEvent.objects.count) == 1
    assert await call_search().find(SUPPORT, verdict["request_id"]) == pending


async def test_refused_call_is_found_with_what_it_asked_for(api):
    key = await make(make_key)
    verdict = await verify(api, key.secret, cost="2", ip="192.0.2.7")
    await refusal_samples().write()
    (call,) = await call_search().find(SUPPORT, verdict["request_id"])
    assert (call.code, call.detail, call.key_id, call.ip) == ("INSUFFICIENT_CREDITS", "balance", key.id, "192.0.2.7")
    assert call.reason == "the balance is too low"


async def test_refused_call_with_an_id_of_its_callers_is_found_without_its_sample(api):
    """As under a flood, when the sample has been replaced by later ones."""
    key = await make(make_limited_key, ("minute", 0, 60))
    await verify(api, key.secret, cost="2", request_id="order 7")
    (sample,) = [call for call in await _both(api) if call.cost is not None]
    await run_in_transaction(Refusal.objects.all().delete)
    (stored,) = await call_search().find(staff_of(1, "keys:read", "credits:read"), "order 7")
    assert (stored.code, stored.detail, stored.key_id, stored.user_id) == (
        "RATE_LIMITED",
        "minute",
        key.id,
        key.row.user_id,
    )
    assert (stored.rate_limits, stored.balance, stored.cost) == (sample.rate_limits, Decimal(0), None)


async def _both(api) -> list[Call]:
    await refusal_samples().write()
    return await call_search().find(SUPPORT, "order 7")


async def test_balance_is_for_the_owner_and_staff_who_may_read_balances(api):
    key = await make(make_key)
    await make(give_credits, key.row.user, 3)
    sampled = await verify(api, key.secret, cost="5")
    await refusal_samples().write()
    stored = await verify(api, key.secret, cost="5", request_id="order-7")
    for request_id in (sampled["request_id"], stored["request_id"]):
        for actor, balance in (
            (SUPPORT, None),
            (staff_of(1, "keys:read", "credits:read"), Decimal(3)),
            (owner_of(key), Decimal(3)),
        ):
            (call,) = await call_search().find(actor, request_id)
            assert (call.code, call.balance) == ("INSUFFICIENT_CREDITS", balance)


async def test_calls_of_several_keys_may_have_the_same_id(api):
    first, second = await make(make_key), await make(make_key, is_active=False)
    for key in (first, second):
        await verify(api, key.secret, request_id="same")
    await refusal_samples().write()
    assert sorted(await found("same")) == [("DISABLED", second.id), ("VALID", first.id)]
    assert await found("same", owner_of(first)) == [("VALID", first.id)]
    assert await found("same", owner_of(second)) == [("DISABLED", second.id)]
    await run_in_transaction(Refusal.objects.all().delete)
    assert await found("same", owner_of(first)) == [("VALID", first.id)]
    assert await found("same", owner_of(second)) == [("DISABLED", second.id)]


async def test_call_with_an_unknown_key_is_found_by_staff_alone(api):
    key = await make(make_key)
    await verify(api, "sk_live_nonsense", request_id="lost")
    await refusal_samples().write()
    assert await found("lost") == [("NOT_FOUND", None)]
    assert await found("lost", owner_of(key)) == []


async def test_api_key_needs_a_scope(api):
    key = await make(make_key)
    await verify(api, key.secret, request_id="mine")
    assert await found("mine", key_of(key.row.user_id, "account:read")) == [("VALID", key.id)]
    with pytest.raises(InsufficientScopes):
        await call_search().find(key_of(key.row.user_id, "keys:verify"), "mine")


@pytest.mark.parametrize("request_id", ["", "unknown", "a\x00b", "%", "x" * 101])
def test_unknown_id_finds_nothing(request_id):
    assert call_service(call_search().find, SUPPORT, request_id) == []


async def test_calls_are_found_for_as_long_as_the_operator_says(api):
    allowed, refused, revoked = await make(make_key), await make(make_key), await make(make_key, is_active=False)
    await verify(api, allowed.secret, request_id="old")
    await verify(api, refused.secret, request_id="old", cost="1")
    await refusal_samples().write()
    await run_in_transaction(expand)
    for hours in (23, 2):  # together 25
        assert len(await found("old")) == 2
        await run_in_transaction(_age, hours)
    assert await found("old") == []
    await verify(api, revoked.secret, request_id="old")
    assert await found("old") == [("DISABLED", revoked.id)]


def _age(hours: int) -> None:
    older = timedelta(hours=hours)
    UsageEvent.objects.update(occurred_at=F("occurred_at") - older)
    Refusal.objects.update(occurred_at=F("occurred_at") - older)
    VerificationAnswer.objects.update(answered_at=F("answered_at") - older)


def test_every_partition_has_the_index():
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'usage_events_request'::regclass")
        assert cursor.fetchall() == [(True,)]
        cursor.execute("SELECT create_usage_partitions(20)")
        cursor.execute(PARTITIONS)
        partitions, indexed = cursor.fetchone()
    assert partitions == indexed > 12


async def test_call_at_the_edge_of_ten_minutes_is_found(api):
    """The index is probed for each ten minutes, the first and the last included."""
    key = await make(make_key)
    await verify(api, key.secret, request_id="edge")
    await run_in_transaction(expand)
    for edge in ("00:00", "09:59.999999"):
        minute, second = edge.split(":")
        now = timezone.now()
        whole = now.replace(minute=now.minute // 10 * 10, second=0, microsecond=0)
        moment = whole - timedelta(hours=3) + timedelta(minutes=int(minute), seconds=float(second))
        await run_in_transaction(UsageEvent.objects.update, occurred_at=moment)
        assert await found("edge") == [("VALID", key.id)]
