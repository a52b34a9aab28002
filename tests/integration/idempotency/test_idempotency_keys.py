"""`Idempotency-Key` on creating and rotating API keys: a retry gets the first response, secret included."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.api_keys.schemas.api_key import ApiKeyCreate
from apps.authentication.models import Session
from apps.core.authorization.principal import OPERATOR
from apps.core.crypto.encryption import decrypt
from apps.core.errors import ValidationFailed
from apps.idempotency.models import IdempotentResponse
from apps.idempotency.services.in_transaction.idempotent_responses import PURPOSE
from apps.users.models import User
from tests.support.accounts import audited, colleague, customer
from tests.support.assertions import assert_error
from tests.support.factories import make_key, make_user
from tests.support.oauth import exchange
from tests.support.orm import make, rows, run_in_transaction

pytestmark = pytest.mark.usefixtures("database")

KEYS = "/api/v1/api-keys"
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def keyed(headers: dict[str, str], key: str = KEY) -> dict[str, str]:
    return {**headers, "Idempotency-Key": key}


async def create(api: httpx.AsyncClient, headers: dict[str, str], body: Any = None, path: str = KEYS) -> httpx.Response:
    return await api.post(path, json=body or {"name": "laptop", "scopes": ["a:b"]}, headers=headers)


async def test_retry_of_a_creation_gets_the_first_response(api: httpx.AsyncClient):
    me = await customer()
    body = {"name": "laptop", "budget": "5", "expires_at": "2099-01-01T00:00:00Z", "metadata": {"b": 0.5, "a": None}}
    dated = await create(api, keyed(me.headers, "dated"), body)
    assert (await create(api, keyed(me.headers, "dated"), body)).content == dated.content
    first = await create(api, keyed(me.headers))
    await api.patch(f"{KEYS}/{first.json()['id']}", json={"name": "renamed"}, headers=me.headers)
    for key in (KEY, f'"{KEY}"', f" {KEY} "):
        retry = await create(api, keyed(me.headers, key))
        assert (retry.status_code, retry.content) == (201, first.content)
        assert retry.headers["etag"] == first.headers["etag"]
    assert len(await rows(ApiKey.objects.all())) == 2
    assert [action for action, _, _ in await audited()] == ["api_key.created"] * 2 + ["api_key.updated"]
    assert (await create(api, keyed(me.headers, "another"))).json()["id"] != first.json()["id"]
    assert (await create(api, me.headers)).json()["id"] != first.json()["id"]


async def test_retry_of_a_rotation_gets_the_first_secret(api: httpx.AsyncClient):
    me = await customer()
    key, other = await make(make_key, me.user), await make(make_key, me.user)
    path = f"{KEYS}/{key.id}/rotate"
    first = await create(api, keyed(me.headers), {"grace_seconds": 60}, path)
    retry = await create(api, keyed(me.headers), {"grace_seconds": 60}, path)
    assert (first.status_code, retry.status_code, retry.content) == (200, 200, first.content)
    assert len(await rows(ApiKeySecret.objects.filter(api_key=key.id))) == 2
    for body, elsewhere in (({"grace_seconds": 61}, path), ({"grace_seconds": 60}, f"{KEYS}/{other.id}/rotate")):
        assert_error(await create(api, keyed(me.headers), body, elsewhere), 422, "IDEMPOTENCY_KEY_REUSED")
    assert len(await rows(ApiKeySecret.objects.all())) == 3


async def test_key_of_another_request_is_refused(api: httpx.AsyncClient):
    me = await customer()
    await create(api, keyed(me.headers))
    for body in ({"name": "laptop"}, {"name": "laptop", "scopes": ["a:c"]}, {"name": "laptop", "budget": "5"}):
        assert_error(await create(api, keyed(me.headers), body), 422, "IDEMPOTENCY_KEY_REUSED")
    assert len(await rows(ApiKey.objects.all())) == 1


async def test_key_belongs_to_its_caller(api: httpx.AsyncClient):
    me, other, staff = await customer(), await customer(), await colleague()
    program = await make(make_key, me.user, scopes=["account:write", "a:b"])
    mine = f"/api/v1/users/{me.id}/api-keys"
    callers = [(me.headers, KEYS), (other.headers, KEYS), (staff.headers, mine), (program.headers, KEYS)]
    answers = [await create(api, keyed(headers), path=path) for headers, path in callers]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["api_key"] for answer in answers}) == 4


async def test_failed_request_can_be_repeated(api: httpx.AsyncClient):
    me = await customer()
    path = "/api/v1/users/{}/api-keys"
    assert_error(await create(api, keyed(me.headers), {"name": ""}), 422, "VALIDATION_FAILED")
    assert_error(await create(api, keyed(me.headers), path=path.format(2**40)), 403, "FORBIDDEN")
    assert (await create(api, keyed(me.headers))).status_code == 201


async def test_retry_needs_the_rights_of_the_first_request(api: httpx.AsyncClient):
    staff, owner = await colleague(), await make(make_user)
    path = f"/api/v1/users/{owner.pk}/api-keys"
    assert (await create(api, keyed(staff.headers), path=path)).status_code == 201
    await run_in_transaction(User.objects.filter(pk=staff.id).update, is_staff=False)
    assert_error(await create(api, keyed(staff.headers), path=path), 403, "FORBIDDEN")
    me = await customer()
    body = {"name": "k", "scopes": ["account:read"]}
    assert (await create(api, keyed(me.headers), body)).status_code == 201
    await run_in_transaction(Session.objects.update, authenticated_at=Now() - timedelta(minutes=11))
    assert_error(await create(api, keyed(me.headers), body), 401, "STEP_UP_REQUIRED")


async def test_retry_by_a_token_does_not_get_the_secret(api: httpx.AsyncClient):
    program = await make(make_key, (await customer()).user, scopes=["account:write"])
    assert (await create(api, keyed(program.headers), {"name": "child"})).status_code == 201
    headers = {"Authorization": f"Bearer {await exchange(api, program, 'account:write')}"}
    assert_error(await create(api, keyed(headers), {"name": "child"}), 403, "FORBIDDEN")


async def test_retry_for_an_owner_who_has_joined_the_staff_is_refused(api: httpx.AsyncClient):
    staff, owner = await colleague("customers:read", "keys:write"), await make(make_user)
    path = f"/api/v1/users/{owner.pk}/api-keys"
    assert (await create(api, keyed(staff.headers), path=path)).status_code == 201
    await run_in_transaction(User.objects.filter(pk=owner.pk).update, is_staff=True)
    assert_error(await create(api, keyed(staff.headers), path=path), 403, "INSUFFICIENT_SCOPES")


async def test_secret_is_stored_encrypted_for_who_knows_the_key(api: httpx.AsyncClient):
    me = await customer()
    secret = (await create(api, keyed(me.headers))).json()["api_key"]
    (stored,) = await rows(IdempotentResponse.objects.all())
    content = bytes(stored.response_encrypted)
    assert not any(text.encode() in content for text in (secret, "laptop", KEY))
    digest = bytes(stored.digest).hex()
    assert decrypt(content, f"{PURPOSE} {digest} ") is None
    assert secret.encode() in (decrypt(content, f"{PURPOSE} {digest} {KEY}") or b"")


async def test_response_is_lost_with_the_secret_key(api: httpx.AsyncClient, settings: Any):
    me = await customer()
    await create(api, keyed(me.headers))
    stored = IdempotentResponse.objects.all()
    await run_in_transaction(stored.update, response_encrypted=b"of another SECRET_KEY")
    assert_error(await create(api, keyed(me.headers)), 409, "IDEMPOTENT_RESPONSE_UNREADABLE")
    assert len(await rows(ApiKey.objects.all())) == 1


async def test_concurrent_requests_create_one_key(api: httpx.AsyncClient):
    me = await customer()
    answers = await asyncio.gather(*(create(api, keyed(me.headers)) for _ in range(8)))
    made = {answer.json()["api_key"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    for answer in answers:
        if answer.status_code != 201:
            assert_error(answer, 409, "IDEMPOTENCY_KEY_IN_USE")
            assert answer.headers["retry-after"] == "1"
    assert len(await rows(ApiKey.objects.all())) == 1


async def test_request_that_is_being_processed_is_in_use(api: httpx.AsyncClient):
    me = await customer()
    locked, release = threading.Event(), threading.Event()

    def hold_the_account() -> None:
        User.objects.select_for_update().get(pk=me.id)
        locked.set()
        release.wait(30)

    holder = asyncio.create_task(run_in_transaction(hold_the_account))
    await asyncio.to_thread(locked.wait, 30)
    both = [asyncio.create_task(create(api, keyed(me.headers))) for _ in range(2)]
    done, waiting = await asyncio.wait(both, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    release.set()
    await holder
    assert [answer.result().status_code for answer in done] == [409]
    assert [(await answer).status_code for answer in waiting] == [201]


@pytest.mark.parametrize("key", ["", '""', '"', "a b", "a, b", "ü", "a" * 256, '"a", "b"', "a;b"])
async def test_invalid_key_is_refused(api: httpx.AsyncClient, key: str):
    me = await customer()
    headers = {name.encode(): value.encode() for name, value in keyed(me.headers, key).items()}
    answer = await api.post(KEYS, json={"name": "laptop"}, headers=headers)
    assert_error(answer, 422, "VALIDATION_FAILED", field="Idempotency-Key")
    assert await rows(ApiKey.objects.all()) == []


async def test_operator_has_keys_too():
    owner = await make(make_user)
    first = await api_key_service().create(OPERATOR, owner.pk, ApiKeyCreate(name="k"), "once")
    assert await api_key_service().create(OPERATOR, owner.pk, ApiKeyCreate(name="k"), "once") == first
    rotated = await api_key_service().rotate(OPERATOR, first.id, idempotency_key="twice")
    assert (await api_key_service().rotate(OPERATOR, first.id, idempotency_key="twice")).api_key == rotated.api_key
    with pytest.raises(ValidationFailed):
        await api_key_service().rotate(OPERATOR, first.id, idempotency_key="once")


async def test_responses_are_deleted_after_a_day(api: httpx.AsyncClient):
    me = await customer()
    for key in ("old", "new"):
        await create(api, keyed(me.headers, key))
    oldest = min(response.pk for response in await rows(IdempotentResponse.objects.all()))
    of_yesterday = IdempotentResponse.objects.filter(pk=oldest)
    await run_in_transaction(of_yesterday.update, created_at=Now() - timedelta(hours=25))
    await asyncio.to_thread(call_command, "clean_up")
    (left,) = await rows(IdempotentResponse.objects.all())
    assert left.pk != oldest
