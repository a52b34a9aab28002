"""`/api/v1/auth/api-keys`: keys are listed and revoked by the link in a message, without a session."""

import asyncio
from typing import Any

import httpx
import pytest
from django.db.models.functions import Now

from apps.api_keys.models import ApiKey
from apps.audit.models import AuditEvent
from apps.one_time_tokens.models import OneTimeToken
from tests.support.accounts import Account, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, IssuedKey, make_bare_key, make_key
from tests.support.links import tokens_to
from tests.support.mailbox import letters_to
from tests.support.orm import make, rows

REVIEW, REVOKE, REVOKE_ALL = (f"/api/v1/auth/api-keys/{name}" for name in ("review", "revoke", "revoke-all"))
NEW_PASSWORD = "another horse altogether"


async def key_of(me: Account, **fields: Any) -> IssuedKey:
    key: IssuedKey = await make(make_key, me.user, **fields)
    return key


async def reset(api: httpx.AsyncClient, me: Account) -> dict[str, Any]:
    """Reset the password by mail, and return the response."""
    await api.post("/api/v1/auth/forgot-password", json={"email": me.user.email})
    token = (await tokens_to(me.user.email, "reset_password"))[-1]
    done = await api.post("/api/v1/auth/reset-password", json={"token": token, "new_password": NEW_PASSWORD})
    assert done.status_code == 200, done.text
    answer: dict[str, Any] = done.json()
    return answer


async def revoked() -> set[int]:
    return {key.pk for key in await rows(ApiKey.objects.filter(revoked_at__isnull=False))}


async def test_a_reset_lists_the_keys_that_can_be_used(api: httpx.AsyncClient):
    me, other = await customer(), await customer()
    first, second = await key_of(me, name="deploy"), await key_of(me, name="ci", is_active=False)
    await key_of(me, expires_at="2020-01-01T00:00:00Z")
    await key_of(me, revoked_at="2020-01-01T00:00:00Z")
    await key_of(me, deleted_at="2020-01-01T00:00:00Z")
    await key_of(other)
    answer = await reset(api, me)
    assert (answer["status"], answer["revoked_api_keys"], answer["api_keys"]["total"]) == ("ok", 0, 2)
    assert [(key["id"], key["name"]) for key in answer["api_keys"]["items"]] == [
        (second.id, "ci"),
        (first.id, "deploy"),
    ]
    assert first.secret not in str(answer)
    assert await revoked() >= set()
    notice = (await make(letters_to, me.user.email))[-1]
    assert f"These API keys still work: ci ({second.secret[:12]}…), deploy ({first.secret[:12]}…)\n" in notice.text
    assert "account/api-keys#token=" in notice.text
    assert "account/api-keys#token=" in notice.html


async def test_the_link_in_the_message_revokes_one_key_after_another(api: httpx.AsyncClient):
    me = await customer()
    keys = [await key_of(me) for _ in range(3)]
    await reset(api, me)
    (token,) = await tokens_to(me.user.email, "security_notice", "keys_link")
    for expected, key in ((2, keys[0]), (2, keys[0]), (1, keys[1])):
        left = await api.post(REVOKE, json={"token": token, "key_id": key.id})
        assert (left.status_code, left.json()["total"]) == (200, expected)
    assert await revoked() == {keys[0].id, keys[1].id}
    listed = (await api.post(REVIEW, json={"token": token})).json()
    assert [key["id"] for key in listed["items"]] == [keys[2].id]
    events = await rows(AuditEvent.objects.filter(action="api_key.revoked"))
    assert {(event.target_id, event.actor_id, event.ip_address) for event in events} == {
        (keys[0].id, me.id, "127.0.0.1"),
        (keys[1].id, me.id, "127.0.0.1"),
    }
    assert_error(await api.get("/api/v1/users/me", headers=keys[0].headers), 401, "NOT_AUTHENTICATED")


async def test_all_are_revoked_at_once_with_what_they_have_created(api: httpx.AsyncClient):
    me, other = await customer(), await customer()
    keys = [await key_of(me) for _ in range(2)]
    theirs = await make(make_bare_key, other.user, parent_id=keys[0].id)
    kept = await key_of(other)
    token = (await reset(api, me))["api_keys"]["token"]
    later = await key_of(me)
    answers = await asyncio.gather(*(api.post(REVOKE_ALL, json={"token": token}) for _ in range(3)))
    assert [(answer.status_code, answer.json()["total"]) for answer in answers] == [(200, 0)] * 3
    assert await revoked() == {keys[0].id, keys[1].id, theirs.id}
    assert {kept.id, later.id}.isdisjoint(await revoked())
    events = await rows(AuditEvent.objects.filter(action="api_key.revoked"))
    assert {event.target_id for event in events} == await revoked()
    assert {event.subject_id for event in events if event.target_id == theirs.id} == {other.id}


async def test_a_link_does_not_reach_newer_keys_nor_those_of_others(api: httpx.AsyncClient):
    me, other = await customer(), await customer()
    theirs = await key_of(other)
    await key_of(me)
    token = (await reset(api, me))["api_keys"]["token"]
    later = await key_of(me)
    for key in (theirs, later):
        assert_error(await api.post(REVOKE, json={"token": token, "key_id": key.id}), 404, "NOT_FOUND")
    assert await revoked() == set()
    assert (await api.post(REVIEW, json={"token": token})).json()["total"] == 1


async def expire(me: Account) -> None:
    await make(OneTimeToken.objects.filter(purpose="review_api_keys").update, expires_at=Now())


async def delete(me: Account) -> None:
    await make(type(me.user).objects.filter(pk=me.id).update, deleted_at=Now())


@pytest.mark.parametrize("meanwhile", [expire, delete, None])
async def test_an_outdated_link_revokes_nothing(api: httpx.AsyncClient, meanwhile):
    me = await customer()
    key = await key_of(me)
    token = (await reset(api, me))["api_keys"]["token"]
    await (meanwhile(me) if meanwhile else reset_again(api, me))
    for path, more in ((REVOKE, {"key_id": key.id}), (REVOKE_ALL, {})):
        assert_error(await api.post(path, json={"token": token, **more}), 400, "INVALID_TOKEN")
    assert await revoked() == set()


async def reset_again(api: httpx.AsyncClient, me: Account) -> None:
    await make(OneTimeToken.objects.filter(purpose="reset_password").delete)
    await reset(api, me)


async def test_an_opened_link_revokes_nothing(api: httpx.AsyncClient):
    for path in (REVIEW, REVOKE, REVOKE_ALL):
        assert (await api.get(path)).status_code == 405


async def test_the_link_of_a_key_notice_revokes_that_key(api: httpx.AsyncClient):
    me = await customer()
    made = (await api.post("/api/v1/api-keys", json={"name": "k"}, headers=me.headers)).json()
    (token,) = await tokens_to(me.user.email, "api_key_notice")
    answer = await api.post(REVOKE, json={"token": token, "key_id": made["id"]})
    assert (answer.status_code, await revoked()) == (200, {made["id"]})


async def test_a_changed_password_lists_the_keys_too(api: httpx.AsyncClient):
    me = await customer(password=PASSWORD)
    key = await key_of(me)
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert (await api.post("/api/v1/auth/change-password", json=change, headers=me.headers)).status_code == 200
    (token,) = await tokens_to(me.user.email, "security_notice", "keys_link")
    assert (await api.post(REVOKE, json={"token": token, "key_id": key.id})).status_code == 200


async def test_many_keys_are_counted_and_the_newest_named(api: httpx.AsyncClient):
    me = await customer()
    keys = [await key_of(me, name=f"key {number}") for number in range(12)]
    answer = (await reset(api, me))["api_keys"]
    assert (answer["total"], answer["items"][0]["id"]) == (12, keys[-1].id)
    notice = (await make(letters_to, me.user.email))[-1]
    assert "key 11 (" in notice.text
    assert "key 1 (" not in notice.text
    assert ", and 2 more\n" in notice.text


@pytest.mark.parametrize("wrong", [True, 1.0, "1", 0, 2**63, None])
async def test_id_of_a_reviewed_key_is_a_whole_number(api: httpx.AsyncClient, wrong: Any):
    response = await api.post(REVOKE, json={"token": "x", "key_id": wrong})
    assert_error(response, 422, "VALIDATION_FAILED", field="key_id")
