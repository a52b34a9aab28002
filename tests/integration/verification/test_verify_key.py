"""`POST /api/v1/keys/verify`: each verdict, its response and its effects."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.utils import timezone

from apps.api_keys.models import ApiKeyCounter
from apps.usage.models import UsageRecord
from tests.integration.verification.verifying import PATH, denials
from tests.support.assertions import assert_error
from tests.support.factories import IssuedKey, add_secret, make_key, make_service_key, make_staff, make_user
from tests.support.orm import make, rows
from tests.support.sessions import sign_in

PAST = timezone.now() - timedelta(days=1)
NOTHING = {
    "valid": False,
    "code": "NOT_FOUND",
    "detail": None,
    "key_id": None,
    "user_id": None,
    "name": None,
    "environment": None,
    "scopes": [],
    "plan": None,
    "features": {},
    "metadata": {},
    "expires_at": None,
    "balance": None,
    "rate_limits": [],
    "retry_after_seconds": None,
}

AT_HOME = {"ip_allowlist": ["192.0.2.0/24"]}
REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str, str]] = {
    "revoked": ({"revoked_at": PAST}, {}, {}, "DISABLED", "revoked"),
    "switched off": ({"is_active": False}, {}, {}, "DISABLED", "disabled"),
    "expired": ({"expires_at": PAST}, {}, {}, "EXPIRED", "key"),
    "owner inactive": ({}, {"is_active": False}, {}, "FORBIDDEN", "owner_suspended"),
    "owner deleted": ({}, {"deleted_at": PAST}, {}, "FORBIDDEN", "owner_suspended"),
    "owner locked": ({}, {"locked_until": timezone.now() + timedelta(days=1)}, {}, "FORBIDDEN", "owner_locked"),
    "other address": (AT_HOME, {}, {"ip": "198.51.100.1"}, "FORBIDDEN", "address_not_allowed"),
    "no address": (AT_HOME, {}, {}, "FORBIDDEN", "address_not_allowed"),
    "unreadable address": ({}, {}, {"ip": "here"}, "FORBIDDEN", "address_unreadable"),
    "no scope": ({"scopes": ["a:b"]}, {}, {"scopes": ["a:b", "a:d", "a:c"]}, "INSUFFICIENT_SCOPES", "a:d"),
}


async def verify(api: httpx.AsyncClient, key: str, **query: Any) -> httpx.Response:
    service: IssuedKey = await make(make_service_key)
    return await api.post(PATH, json={"key": key, **query}, headers=service.headers)


async def test_a_valid_call_leaves_one_usage_event(api: httpx.AsyncClient):
    owner = await make(make_user)
    key = await make(make_key, owner, name="production", scopes=["a:*"], metadata={"team": 7})
    before = timezone.now()
    answer = await verify(api, key.secret, scopes=["a:b"], weight=3, tag="reports", request_id="r-1", ip="192.0.2.1")

    assert answer.status_code == 200
    assert answer.json() == {
        "valid": True,
        "code": "VALID",
        "detail": None,
        "key_id": key.id,
        "user_id": owner.pk,
        "name": "production",
        "environment": "live",
        "scopes": ["a:*"],
        "plan": "free",
        "features": {},
        "metadata": {"team": 7},
        "expires_at": None,
        "balance": "0.000000",
        "rate_limits": answer.json()["rate_limits"],
        "retry_after_seconds": None,
        "request_id": "r-1",
    }
    (status,) = answer.json()["rate_limits"]
    reset_at = datetime.fromisoformat(status.pop("reset_at"))
    assert status == {"name": "minute", "limit": 60, "period_seconds": 60, "remaining": 57}
    assert before + timedelta(seconds=59) <= reset_at <= timezone.now() + timedelta(seconds=61)
    (used,) = await rows(UsageRecord.objects.all())
    assert (used.api_key_id, used.user_id, used.weight, used.tag, used.request_id) == (
        key.id, owner.pk, 3, "reports", "r-1",
    )  # fmt: skip
    assert (used.cost, used.credit_transaction_id) == (Decimal(0), None)
    assert before <= used.occurred_at <= timezone.now()
    (stored,) = await rows(ApiKeyCounter.objects.filter(pk=key.id))
    assert stored.last_used_at == used.occurred_at


@pytest.mark.parametrize(("key", "owner", "query", "code", "detail"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_a_refusal_uses_nothing_and_is_counted(
    api: httpx.AsyncClient, key: dict[str, Any], owner: dict[str, Any], query: dict[str, Any], code: str, detail: str
):
    user = await make(make_user, **owner)
    issued = await make(make_key, user, **key)
    answer = await verify(api, issued.secret, **query)
    assert answer.status_code == 200
    assert (answer.json()["valid"], answer.json()["code"], answer.json()["detail"]) == (False, code, detail)
    assert answer.json()["key_id"] == issued.id
    assert await rows(UsageRecord.objects.all()) == []
    (stored,) = await rows(ApiKeyCounter.objects.filter(pk=issued.id))
    assert (stored.last_used_at, bytes(stored.entries), stored.budget_spent) == (None, b"", Decimal(0))
    assert answer.json()["rate_limits"] == []
    assert await denials() == {(issued.id, code): 1}


async def test_the_detail_says_whether_the_key_or_its_secret_has_expired(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_key)
    older = await make(add_secret, key.row, expires_at=PAST)
    verdict = (await verify(api, older)).json()
    assert (verdict["code"], verdict["detail"]) == ("EXPIRED", "secret")
    assert (await verify(api, key.secret)).json()["detail"] is None


async def test_a_deleted_key_is_not_found(api: httpx.AsyncClient):
    key = await make(make_key, deleted_at=PAST)
    answer = await verify(api, key.secret)
    assert answer.json() == {**NOTHING, "request_id": answer.json()["request_id"]}
    assert await rows(UsageRecord.objects.all()) == []
    assert await denials() == {}


@pytest.mark.parametrize("key", ["", "sk_live_", "sk_live_" + "0" * 38, "anything"])
async def test_a_malformed_key_is_not_found(api: httpx.AsyncClient, key: str):
    answer = await verify(api, key, request_id="mine")
    assert (answer.status_code, answer.json()) == (200, {**NOTHING, "request_id": "mine"})
    assert await denials() == {}


async def test_an_old_secret_works_until_its_grace_period_ends(api: httpx.AsyncClient):
    key = await make(make_key)
    in_grace = await make(add_secret, key.row, expires_at=timezone.now() + timedelta(minutes=1))
    ended = await make(add_secret, key.row, expires_at=PAST)
    codes = [(await verify(api, secret)).json()["code"] for secret in (key.secret, in_grace, ended)]
    assert codes == ["VALID", "VALID", "EXPIRED"]
    assert len(await rows(UsageRecord.objects.all())) == 2


async def test_a_request_id_is_generated(api: httpx.AsyncClient):
    key = await make(make_key)
    answers = [(await verify(api, key.secret)).json()["request_id"] for _ in range(2)]
    assert sorted(answers) == sorted(event.request_id for event in await rows(UsageRecord.objects.all()))
    assert answers[0] != answers[1]


async def test_a_call_updates_when_the_key_was_last_used(api: httpx.AsyncClient):
    recently = timezone.now() - timedelta(seconds=30)
    key = await make(make_key, last_used_at=recently)
    assert (await verify(api, key.secret)).json()["code"] == "VALID"
    (used,) = await rows(UsageRecord.objects.all())
    assert [counter.last_used_at for counter in await rows(ApiKeyCounter.objects.filter(pk=key.id))] == [
        used.occurred_at
    ]


async def test_the_last_use_of_a_caller_is_exact_to_five_seconds(api: httpx.AsyncClient):
    # Ahead, so that it is not before the five seconds of the call, whenever they begin.
    recently, long_ago = timezone.now() + timedelta(seconds=30), timezone.now() - timedelta(seconds=6)
    key = await make(make_key)
    services = [await make(make_service_key, last_used_at=moment) for moment in (recently, long_ago, None)]
    for service in services:
        await api.post(PATH, json={"key": key.secret}, headers=service.headers)
    found = await rows(ApiKeyCounter.objects.filter(pk__in=[service.id for service in services]).order_by("pk"))
    assert found[0].last_used_at == recently
    assert all(counter.last_used_at and counter.last_used_at > long_ago for counter in found[1:])


@pytest.mark.parametrize("scopes", [[], ["keys:read"], ["keys:verify:x"]])
async def test_verifying_needs_the_scope(api: httpx.AsyncClient, scopes: list[str]):
    caller, key = await make(make_key, scopes=scopes), await make(make_key)
    answer = await api.post(PATH, json={"key": key.secret}, headers=caller.headers)
    assert_error(answer, 403, "INSUFFICIENT_SCOPES")
    assert await rows(UsageRecord.objects.all()) == []


async def test_a_session_needs_staff_rights_to_verify(api: httpx.AsyncClient):
    key = await make(make_key)
    customer, staff = await make(make_user), await make(make_staff)
    refused = await api.post(PATH, json={"key": key.secret}, headers=await make(sign_in, customer))
    assert_error(refused, 403, "INSUFFICIENT_SCOPES")
    allowed = await api.post(PATH, json={"key": key.secret}, headers=await make(sign_in, staff))
    assert allowed.json()["code"] == "VALID"
    assert len(await rows(UsageRecord.objects.all())) == 1


async def test_verifying_needs_a_credential(api: httpx.AsyncClient):
    key = await make(make_key)
    assert_error(await api.post(PATH, json={"key": key.secret}), 401, "NOT_AUTHENTICATED")
    assert await rows(UsageRecord.objects.all()) == []
