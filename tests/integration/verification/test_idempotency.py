"""`request_id` is an idempotency key: retries get the first response and are charged once, and nothing else does."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.utils import timezone

from apps.api_keys.models import ApiKey
from apps.plans.models import PlanLimit
from apps.users.models import User
from apps.verification.models import VerificationAnswer
from tests.integration.verification.verifying import (
    PATH,
    balance_of,
    denials,
    make_paying_key,
    usage,
    verify,
)
from tests.support.factories import IssuedKey, add_secret, give_credits, make_key, make_service_key
from tests.support.orm import make, rows


@pytest.fixture
def service(database: None) -> IssuedKey:
    """A service that sends several requests."""
    return make_service_key()


async def send(api: httpx.AsyncClient, key: str, headers: dict[str, str], **query: Any) -> httpx.Response:
    return await api.post(PATH, json={"key": key, **query}, headers=headers)


CALL = {"cost": 1, "scopes": ["account:read"], "request_id": "r"}


async def test_a_retry_gets_the_first_response_and_is_charged_once(api: httpx.AsyncClient, service: IssuedKey):
    key: IssuedKey = await make(make_paying_key)
    first = await verify(api, key.secret, service, cost=3, request_id="r")
    assert (first["code"], first["balance"], first["request_id"]) == ("VALID", "7.000000", "r")
    assert (await verify(api, key.secret, cost=1))["balance"] == "6.000000"
    assert [await verify(api, key.secret, service, cost="3.000", request_id="r") for _ in range(2)] == [first] * 2
    assert await balance_of(key.row) == 6
    assert [event.cost for event in await usage()] == [3, 1]


async def test_changes_of_names_and_limits_do_not_change_the_response_to_a_retry(
    api: httpx.AsyncClient, service: IssuedKey
):
    key: IssuedKey = await make(make_paying_key)
    first = await verify(api, key.secret, service, cost=3, request_id="r")
    await make(PlanLimit.objects.filter(plan_id=key.row.user.plan_id).update, limit=0)
    await make(ApiKey.objects.filter(pk=key.id).update, name="renamed", metadata={})
    assert (await verify(api, key.secret))["code"] == "RATE_LIMITED"
    assert await verify(api, key.secret, service, cost=3, request_id="r") == first


SOON_OVER = {"expires_at": "2020-01-01T00:00:00Z"}
LOCKED = {"locked_until": timezone.now() + timedelta(days=1)}


@pytest.mark.parametrize(
    ("model", "changes", "code", "detail"),
    [
        (ApiKey, {"revoked_at": "2020-01-01T00:00:00Z"}, "DISABLED", "revoked"),
        (ApiKey, {"is_active": False}, "DISABLED", "disabled"),
        (ApiKey, SOON_OVER, "EXPIRED", "key"),
        (ApiKey, {"ip_allowlist": ["192.0.2.0/24"]}, "FORBIDDEN", "address_not_allowed"),
        (ApiKey, {"scopes": []}, "INSUFFICIENT_SCOPES", "account:read"),
        (ApiKey, {"deleted_at": "2020-01-01T00:00:00Z"}, "NOT_FOUND", None),
        (User, {"is_active": False}, "FORBIDDEN", "owner_suspended"),
        (User, LOCKED, "FORBIDDEN", "owner_locked"),
    ],
)
async def test_a_retry_for_a_key_that_was_refused_since_gets_the_refusal(
    api: httpx.AsyncClient, service: IssuedKey, model: Any, changes: dict[str, Any], code: str, detail: str | None
):
    key: IssuedKey = await make(make_paying_key)
    first = await verify(api, key.secret, service, **CALL)
    assert (first["code"], first["balance"]) == ("VALID", "9.000000")
    changed = model.objects.filter(pk=key.id if model is ApiKey else key.row.user_id)
    before = {name: getattr(await make(changed.get), name) for name in changes}
    await make(changed.update, **changes)
    retry = await verify(api, key.secret, service, **CALL)
    assert (retry["valid"], retry["code"], retry["detail"]) == (False, code, detail)
    assert (await balance_of(key.row), len(await usage())) == (Decimal(9), 1)
    # The refusal is not stored in the place of the first response.
    await make(changed.update, **before)
    assert await verify(api, key.secret, service, **CALL) == first


async def test_a_retry_with_an_expired_secret_gets_the_refusal(api: httpx.AsyncClient, service: IssuedKey):
    key: IssuedKey = await make(make_paying_key)
    await verify(api, key.secret, service, cost=1, request_id="r")
    older = await make(add_secret, key.row, expires_at="2020-01-01T00:00:00Z")
    retry = await verify(api, older, service, cost=1, request_id="r")
    assert (retry["code"], retry["detail"]) == ("EXPIRED", "secret")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"cost": 11}, "INSUFFICIENT_CREDITS"),
        ({"weight": 6}, "RATE_LIMITED"),
        ({"scopes": ["a:b"]}, "INSUFFICIENT_SCOPES"),
    ],
)
async def test_a_refusal_is_stored_and_counted_once(
    api: httpx.AsyncClient, service: IssuedKey, query: dict[str, Any], code: str
):
    key: IssuedKey = await make(make_paying_key)
    first = await verify(api, key.secret, service, request_id="r", **query)
    assert first["code"] == code
    await make(give_credits, key.row.user, 100)
    assert await verify(api, key.secret, service, request_id="r", **query) == first
    # It stays the same refusal when the key is refused for another reason.
    await make(ApiKey.objects.filter(pk=key.id).update, is_active=False)
    assert await verify(api, key.secret, service, request_id="r", **query) == first
    await make(ApiKey.objects.filter(pk=key.id).update, is_active=True)
    assert await usage() == []
    assert await denials() == {(key.id, code): 1}
    assert (await verify(api, key.secret, service, request_id="s"))["code"] == "VALID"


async def test_an_unknown_key_has_no_stored_response(api: httpx.AsyncClient, service: IssuedKey):
    key: IssuedKey = await make(make_paying_key)
    await make(ApiKey.objects.filter(pk=key.id).update, deleted_at="2020-01-01T00:00:00Z")
    assert (await verify(api, key.secret, service, request_id="r"))["code"] == "NOT_FOUND"
    assert await rows(VerificationAnswer.objects.all()) == []
    await make(ApiKey.objects.filter(pk=key.id).update, deleted_at=None)
    assert (await verify(api, key.secret, service, request_id="r"))["code"] == "VALID"


async def test_secrets_of_a_key_share_request_ids_and_other_keys_do_not(api: httpx.AsyncClient, service: IssuedKey):
    key: IssuedKey = await make(make_paying_key)
    older, other = await make(add_secret, key.row), await make(make_key, key.row.user)
    secrets = (key.secret, older, other.secret)
    answers = [await verify(api, secret, service, cost=1, request_id="r") for secret in secrets]
    assert answers[0] == answers[1] != answers[2]
    assert await balance_of(key.row) == 8


async def test_without_a_request_id_each_call_counts(api: httpx.AsyncClient, service: IssuedKey):
    key: IssuedKey = await make(make_paying_key)
    answers = [await verify(api, key.secret, service, cost=1) for _ in range(2)]
    assert len({answer["request_id"] for answer in answers}) == 2
    # A generated id is an idempotency key like any other.
    again = await verify(api, key.secret, service, cost=1, request_id=answers[0]["request_id"])
    assert again["balance"] == "7.000000"
    assert [answer.request_id for answer in await rows(VerificationAnswer.objects.all())] == [answers[0]["request_id"]]


async def test_concurrent_retries_are_charged_once(api: httpx.AsyncClient, service: IssuedKey):
    key: IssuedKey = await make(make_paying_key)
    sent = [verify(api, key.secret, service, cost=2, request_id="r") for _ in range(40)]
    answers = await asyncio.gather(*sent)
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["balance"] == "8.000000"
    assert await balance_of(key.row) == 8
    assert len(await usage()) == 1
