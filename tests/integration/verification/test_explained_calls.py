"""`GET /usage/requests/{id}`: what is stored of a call, each check in order, the charge, and what is not stored."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest
from django.utils import timezone

from apps.core.authorization.catalogue import CREDITS_READ, KEYS_READ
from apps.usage.dependencies import refusal_samples
from apps.usage.models import Refusal
from apps.usage.schemas.call import Call
from apps.verification.domain import Code, Detail
from apps.verification.services.call_explanations import CHECKS, REFUSING, REFUSING_BY_DETAIL, made_checks
from tests.integration.usage.pending import expand, rich_keys
from tests.integration.verification.verifying import verify
from tests.support.accounts import Account, colleague, customer
from tests.support.factories import IssuedKey, make_key
from tests.support.orm import make
from tests.support.sessions import sign_in

pytestmark = pytest.mark.usefixtures("database")

PATH = "/api/v1/usage/requests"


async def explained(api: httpx.AsyncClient, request_id: str, headers: dict[str, str]) -> dict[str, Any]:
    response = await api.get(f"{PATH}/{quote(request_id, safe='')}", headers=headers)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    assert body["request_id"] == request_id
    (call,) = body["calls"]
    return dict(call)


async def owner_of(key: IssuedKey) -> Account:
    return Account(key.row.user, await make(sign_in, key.row.user))


def passed(call: dict[str, Any]) -> list[bool | None]:
    return [check["passed"] for check in call["checks"]]


async def test_allowed_call(api):
    (key,) = await make(rich_keys, 1)
    verdict = await verify(api, key.secret, cost="2.5", tag="eu", request_id="a/b ü")
    me = await owner_of(key)
    call = await explained(api, "a/b ü", me.headers)
    assert (call["code"], call["cost"], call["tag"], call["key_id"]) == ("VALID", "2.500000", "eu", key.id)
    assert [check["name"] for check in call["checks"]] == list(CHECKS)
    assert passed(call) == [True] * len(CHECKS)
    assert (call["charge"]["amount"], call["charge"]["entry_amount"]) == ("2.500000", "2.500000")
    assert call["charge"]["balance_after"] == verdict["balance"] == "999997.500000"
    assert call["not_kept"] == ["The scopes, the address and the rate limits of an allowed call are not stored."]
    await make(expand)
    assert await explained(api, "a/b ü", me.headers) == call
    assert (await explained(api, "a/b ü", key.headers))["charge"] == call["charge"]


async def test_refused_call(api):
    key = await make(make_key)
    verdict = await verify(api, key.secret, cost="2", ip="192.0.2.7")
    await refusal_samples().write()
    call = await explained(api, verdict["request_id"], (await owner_of(key)).headers)
    assert call["sentence"] == "The call was refused: the balance is too low."
    assert passed(call) == [True] * (len(CHECKS) - 1) + [False]
    assert call["checks"][-1]["sentence"] == "The balance is too low."
    assert (call["ip"], call["balance"], call["charge"], call["not_kept"]) == ("192.0.2.7", "0.000000", None, [])


async def test_refused_call_of_which_only_the_response_is_stored(api):
    key = await make(make_key, is_active=False)
    await verify(api, key.secret, cost="2", request_id="mine")
    refusal_samples()._begin()
    call = await explained(api, "mine", (await owner_of(key)).headers)
    assert passed(call) == [True, False] + [None] * (len(CHECKS) - 2)
    assert call["checks"][2]["sentence"] == "Not made."
    assert (call["cost"], len(call["not_kept"])) == (None, 1)
    assert await make(Refusal.objects.count) == 0


async def test_rights(api):
    (key,) = await make(rich_keys, 1)
    await verify(api, key.secret, cost="1", request_id="r")
    stranger = await customer()
    assert (await api.get(f"{PATH}/r", headers=stranger.headers)).status_code == 404
    assert (await api.get(f"{PATH}/r")).status_code == 401
    support, finance = await colleague(KEYS_READ), await colleague(KEYS_READ, CREDITS_READ)
    assert (await explained(api, "r", support.headers))["charge"]["balance_after"] is None
    assert (await explained(api, "r", finance.headers))["charge"]["balance_after"] == "999999.000000"
    response = await api.get(f"{PATH}/{'x' * 101}", headers=support.headers)
    assert response.status_code == 422


def call_of(code: str, detail: str | None) -> Call:
    return Call(request_id="r", occurred_at=timezone.now(), code=code, detail=detail, key_id=1, user_id=1)


def test_every_code_and_detail_has_its_check():
    assert set(REFUSING) | {Code.FORBIDDEN, Code.INSUFFICIENT_CREDITS, Code.VALID} == set(Code)
    named_by_code = {Detail.REVOKED, Detail.DISABLED, Detail.KEY, Detail.SECRET}
    assert set(REFUSING_BY_DETAIL) | named_by_code == set(Detail)


def test_refusal_without_a_detail_names_no_check():
    checks = made_checks(call_of("FORBIDDEN", None))
    assert [check.passed for check in checks] == [True] * 3 + [None] * 7
    assert checks[3].sentence == "Not known."
