"""`POST /api/v1/api-keys/{id}/explain`: what a call would get now, without making one."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from apps.core.event_loop import call_service
from apps.credits.models import CreditBalance
from apps.verification.dependencies import key_explanations
from apps.verification.schemas.explanation import CallToExplain
from tests.integration.verification.verifying import denials, make_limited_key, usage, verify
from tests.support.accounts import colleague, customer
from tests.support.assertions import assert_error
from tests.support.callers import staff_of
from tests.support.factories import IssuedKey, give_credits, make_key, make_user
from tests.support.orm import make, run_in_transaction
from tests.support.tables import every_row

pytestmark = pytest.mark.usefixtures("database")


async def explained(api, key: IssuedKey, caller, **call: Any) -> dict[str, Any]:
    response = await api.post(f"/api/v1/api-keys/{key.id}/explain", json=call, headers=caller.headers)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_everything_that_decides_is_shown(api):
    limits = [{"name": "minute", "limit": 2, "period_seconds": 60}]
    key = await make(make_limited_key, ("minute", 9, 60), ("day", 100, 86_400), rate_limits=limits, budget=Decimal(5))
    await make(give_credits, key.row.user, 10)
    await verify(api, key.secret, cost="1.5")
    support = await colleague("keys:read", "credits:read")
    answer = await explained(api, key, support, cost="1")
    assert (answer["valid"], answer["code"], answer["detail"]) == (True, "VALID", None)
    assert answer["sentence"] == "A call now would be allowed."
    assert [(limit["name"], limit["remaining"], limit["source"]) for limit in answer["rate_limits"]] == [
        ("minute", 1, "key"),
        ("day", 99, "plan"),
    ]
    assert (answer["budget"], answer["budget_spent"], answer["balance"]) == ("5.000000", "1.500000", "8.500000")
    assert [check["sentence"] for check in answer["checks"]] == [
        "The key is enabled and not revoked.",
        "The key never expires.",
        "The owner is active.",
        "Every address is allowed.",
        "The call needs no scope.",
        "The call names no operation, but its cost.",
        "No rate limit is used up.",
        "Of its budget of 5.00, 3.50 are left.",
        "The balance of 8.50 covers the call.",
    ]


async def test_balance_is_for_the_owner_and_staff_who_may_read_balances(api):
    me = await customer()
    key = await make(make_key, me.user)
    await make(give_credits, me.user, 10)
    without = await explained(api, key, await colleague("keys:read"), cost="1")
    assert (without["balance"], without["checks"][-1]["sentence"]) == (None, "The balance covers the call.")
    for reader in (me, await colleague("keys:read", "credits:read")):
        answer = await explained(api, key, reader, cost="1")
        assert (answer["balance"], answer["checks"][-1]["sentence"]) == (
            "10.000000",
            "The balance of 10.00 covers the call.",
        )


async def test_sentence_says_why_and_every_check_that_fails(api):
    me = await customer()
    key = await make(make_key, me.user)
    answer = await explained(api, key, me, scopes=["reports:read"], cost="3")
    assert answer["sentence"] == "A call now would be refused: the scope reports:read is missing."
    assert {check["name"]: check["sentence"] for check in answer["checks"] if not check["passed"]} == {
        "scopes": "The scope reports:read is missing.",
        "balance": "The balance is too low.",
    }


async def test_used_up_rate_limit_says_for_how_long(api):
    key = await make(make_limited_key, ("minute", 1, 60))
    await verify(api, key.secret)
    support = await colleague("keys:read")
    answer = await explained(api, key, support)
    seconds = answer["retry_after_seconds"]
    assert 50 <= seconds <= 60
    assert (
        answer["sentence"] == f"A call now would be refused: rate limit minute is used up for {seconds} more seconds."
    )
    never = await explained(api, key, support, weight=2)
    assert never["sentence"] == "A call now would be refused: rate limit minute never allows a call of this weight."


CALLS: list[dict[str, Any]] = [
    {},
    {"cost": "1"},
    {"cost": "4"},
    {"weight": 3},
    {"scopes": ["account:read"]},
    {"scopes": ["reports:read"]},
    {"ip": "192.0.2.7"},
    {"ip": "198.51.100.7"},
    {"ip": "nowhere"},
]


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_verification_then_says_the_same(api, call):
    key = await make(make_limited_key, ("minute", 2, 60), ip_allowlist=["192.0.2.0/24"], budget=Decimal(3))
    await make(give_credits, key.row.user, 9)
    support = await colleague("keys:read")
    answer = await explained(api, key, support, **call)
    verdict = await verify(api, key.secret, **{"ip": "192.0.2.0", **call})
    assert (answer["valid"], answer["code"], answer["detail"]) == (verdict["valid"], verdict["code"], verdict["detail"])


async def test_state_of_key_and_owner_is_seen_at_once(api):
    support = await colleague("keys:read")
    suspended = await make(make_key, await make(make_user, is_active=False))
    revoked = await make(make_key, revoked_at=timezone.now())
    expired = await make(make_key, expires_at=timezone.now() - timedelta(seconds=1))
    assert [(await explained(api, key, support))["sentence"] for key in (suspended, revoked, expired)] == [
        "A call now would be refused: the owner is suspended.",
        "A call now would be refused: the key is revoked.",
        "A call now would be refused: the key has expired.",
    ]


async def test_nothing_is_used_up_or_recorded(api):
    key, support = await make(make_limited_key, ("minute", 1, 60)), await colleague("keys:read")
    await explained(api, key, support)  # sessions and the like are written by the first request
    before = await run_in_transaction(every_row)
    for _ in range(3):
        assert (await explained(api, key, support, cost="1"))["code"] == "INSUFFICIENT_CREDITS"
        assert (await explained(api, key, support))["valid"]
    assert await run_in_transaction(every_row) == before
    assert (await usage(), await denials()) == ([], {})


def test_locked_rows_delay_nothing():
    key = make_limited_key(("minute", 1, 60))
    with transaction.atomic():
        CreditBalance.objects.select_for_update().get(pk=key.row.user_id)
        answer = call_service(key_explanations().explain, staff_of(1, "keys:read"), key.id, CallToExplain())
    assert answer.valid


async def test_only_the_owner_and_staff_who_may_read_keys(api):
    me, other = await customer(), await customer()
    key = await make(make_key, me.user)
    path = f"/api/v1/api-keys/{key.id}/explain"
    assert (await explained(api, key, me))["valid"]
    assert_error(await api.post(path, headers=other.headers), 403, "FORBIDDEN")
    assert_error(await api.post(path, headers=(await colleague("customers:read")).headers), 403, "INSUFFICIENT_SCOPES")


async def test_deleted_or_unknown_key_is_not_found(api):
    me = await customer()
    deleted = await make(make_key, me.user, deleted_at=timezone.now())
    for key_id in (deleted.id, 2**40):
        assert_error(await api.post(f"/api/v1/api-keys/{key_id}/explain", headers=me.headers), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    "call", [{"weight": 0}, {"cost": "-1"}, {"scopes": ["a b"]}, {"ip": "x" * 101}, {"key": "sk_live_x"}], ids=str
)
async def test_invalid_call_is_rejected(api, call):
    me = await customer()
    key = await make(make_key, me.user)
    response = await api.post(f"/api/v1/api-keys/{key.id}/explain", json=call, headers=me.headers)
    assert_error(response, 422, "VALIDATION_FAILED")
