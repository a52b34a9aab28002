"""`PATCH`, `DELETE /api/v1/api-keys/{id}`, and revoking and rotating it."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.core.authorization.catalogue import STAFF_SCOPES
from tests.support.accounts import Account, audited, colleague, customer
from tests.support.assertions import assert_error
from tests.support.factories import IssuedKey, add_secret, make_key, make_service_key, make_staff
from tests.support.orm import make, rows

KEYS = "/api/v1/api-keys"
MISSING = 2**62
CHANGES = [("PATCH", "", {"name": "new"}), ("DELETE", "", None), ("POST", "/revoke", {}), ("POST", "/rotate", {})]


async def stored(key: IssuedKey) -> ApiKey:
    (row,) = await rows(ApiKey.objects.filter(pk=key.id))
    return row


async def everything() -> list[dict[str, Any]]:
    """Return all that is stored of keys, except what the caller's own has used."""
    found = [*await rows(ApiKey.objects.order_by("id")), *await rows(ApiKeySecret.objects.order_by("id"))]
    return [{name: value for name, value in vars(row).items() if name != "_state"} for row in found]


async def code_of(api: httpx.AsyncClient, secret: str) -> str:
    """Return the verdict on a key, asked as a customer's service would."""
    service = await make(make_service_key)
    response = await api.post("/api/v1/keys/verify", json={"key": secret}, headers=service.headers)
    return str(response.json()["code"])


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
async def test_unauthorized_changes_are_refused(api: httpx.AsyncClient, method, path, body):
    me, other = await customer(), await customer()
    theirs, plain = await make(make_key, other.user), await make(make_key, me.user)
    before = await everything()
    for key_id, headers, status, code in (
        (theirs.id, me.headers, 403, "FORBIDDEN"),
        (theirs.id, {}, 401, "NOT_AUTHENTICATED"),
        (MISSING, me.headers, 404, "NOT_FOUND"),
        (plain.id, plain.headers, 403, "INSUFFICIENT_SCOPES"),
    ):
        response = await api.request(method, f"{KEYS}/{key_id}{path}", json=body, headers=headers)
        assert_error(response, status, code)
    assert await everything() == before
    assert await audited() == []


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
async def test_keys_of_a_deleted_account_cannot_be_changed(api: httpx.AsyncClient, method, path, body):
    # They count again when it is restored, and it may be a superuser's.
    root = await make(make_staff, deleted_at=timezone.now(), is_active=False)
    staff, key = await colleague(), await make(make_key, root, scopes=sorted(STAFF_SCOPES))
    before = await everything()
    response = await api.request(method, f"{KEYS}/{key.id}{path}", json=body, headers=staff.headers)
    if path == "/revoke" or method == "DELETE":  # which a superuser may do, because it only takes something away
        assert_error(response, 403, "FORBIDDEN")
    else:
        assert_error(response, 404, "NOT_FOUND")
    assert await everything() == before


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
async def test_staff_change_a_customers_key(api: httpx.AsyncClient, method, path, body):
    staff, key = await colleague(), await make(make_key)
    response = await api.request(method, f"{KEYS}/{key.id}{path}", json=body, headers=staff.headers)
    assert response.status_code == (204 if method == "DELETE" else 200)
    assert [(target, actor) for _, target, actor in await audited()] == [(key.id, staff.id)]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "new"},
        {"description": "why"},
        {"scopes": ["a:*", "b"]},
        {"scopes": []},
        {"expires_at": "2099-01-02T03:04:05Z"},
        {"expires_at": None},
        {"ip_allowlist": ["2001:db8::/32"]},
        {"metadata": {"a": [1]}},
        {"is_active": False},
        {},
    ],
    ids=repr,
)
async def test_only_fields_that_were_sent_are_changed(api: httpx.AsyncClient, change: dict[str, Any]):
    me = await customer()
    key = await make(make_key, me.user, scopes=["old"], metadata={"old": 1}, description="old")
    before = (await api.get(f"{KEYS}/{key.id}", headers=me.headers)).json()
    response = await api.patch(f"{KEYS}/{key.id}", json=change, headers=me.headers)
    assert response.status_code == 200
    moved = {name: response.json()[name] for name in ("updated_at", "state")}
    assert response.json() == {**before, **change, **moved}
    assert response.json()["updated_at"] > before["updated_at"]
    assert (await api.get(f"{KEYS}/{key.id}", headers=me.headers)).json() == response.json()
    assert await audited() == [("api_key.updated", key.id, me.id)]


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"scopes": ["keys:verify"]}, 403, "scopes"),
        ({"scopes": None}, 422, "scopes"),
        ({"environment": "test"}, 422, "environment"),
        ({"is_active": "no"}, 422, "is_active"),
        ({"revoked_at": None}, 422, "revoked_at"),
        ({"name": ""}, 422, "name"),
    ],
)
async def test_malformed_changes_are_rejected(api: httpx.AsyncClient, change: dict[str, Any], status: int, field: str):
    me = await customer()
    key = await make(make_key, me.user)
    before = await everything()
    response = await api.patch(f"{KEYS}/{key.id}", json=change, headers=me.headers)
    assert_error(response, status, "FORBIDDEN" if status == 403 else "VALIDATION_FAILED", field=field)
    assert await everything() == before


async def test_a_key_can_be_switched_off_and_on(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user)
    for is_active, code in ((False, "DISABLED"), (True, "VALID")):
        await api.patch(f"{KEYS}/{key.id}", json={"is_active": is_active}, headers=me.headers)
        assert await code_of(api, key.secret) == code


async def test_a_revocation_is_permanent(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user)
    response = await api.post(f"{KEYS}/{key.id}/revoke", json={"reason": " leaked "}, headers=me.headers)
    assert (response.status_code, response.json()["revoked_reason"]) == (200, "leaked")
    assert response.json()["revoked_at"] is not None
    again = await api.post(f"{KEYS}/{key.id}/revoke", json={"reason": "other"}, headers=me.headers)
    assert again.json() == response.json()
    await api.patch(f"{KEYS}/{key.id}", json={"is_active": True}, headers=me.headers)
    assert await code_of(api, key.secret) == "DISABLED"
    assert_error(await api.get(KEYS, headers=key.headers), 401, "NOT_AUTHENTICATED")
    assert [action for action, _, _ in await audited()] == ["api_key.revoked", "api_key.updated"]


async def test_a_revoked_key_is_not_rotated(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user, revoked_at=timezone.now())
    assert_error(await api.post(f"{KEYS}/{key.id}/rotate", headers=me.headers), 409, "API_KEY_REVOKED")
    assert len(await rows(ApiKeySecret.objects.all())) == 1


@pytest.mark.parametrize("body", [None, {}, {"grace_seconds": 0}])
async def test_without_a_grace_period_the_old_secret_expires_at_once(api: httpx.AsyncClient, body):
    me = await customer()
    key = await make(make_key, me.user, environment="test")
    response = await api.post(f"{KEYS}/{key.id}/rotate", json=body, headers=me.headers)
    new = response.json()["api_key"]
    assert (response.status_code, response.json()["id"]) == (200, key.id)
    assert new.startswith("sk_test_")
    assert response.json()["prefix"] == new[:12]
    assert (await code_of(api, key.secret), await code_of(api, new)) == ("EXPIRED", "VALID")


async def test_both_secrets_work_until_the_grace_period_ends(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user)
    rotated = await api.post(f"{KEYS}/{key.id}/rotate", json={"grace_seconds": 3600}, headers=me.headers)
    new = rotated.json()["api_key"]
    assert (await code_of(api, key.secret), await code_of(api, new)) == ("VALID", "VALID")
    newer, older = await rows(ApiKeySecret.objects.filter(api_key=key.row).order_by("-id"))
    assert newer.expires_at is None
    assert older.expires_at is not None
    assert timedelta(seconds=3590) < older.expires_at - timezone.now() <= timedelta(seconds=3600)
    await make(ApiKeySecret.objects.filter(pk=older.pk).update, expires_at=timezone.now())
    assert (await code_of(api, key.secret), await code_of(api, new)) == ("EXPIRED", "VALID")


async def test_a_grace_period_is_never_lengthened(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user)
    soon = timezone.now() + timedelta(seconds=5)
    await make(add_secret, key.row, expires_at=soon)
    await api.post(f"{KEYS}/{key.id}/rotate", json={"grace_seconds": 3600}, headers=me.headers)
    ends = [row.expires_at for row in await rows(ApiKeySecret.objects.order_by("id"))]
    assert ends[1] == soon
    assert ends[0] is not None
    assert ends[0] > soon
    assert ends[2] is None


@pytest.mark.parametrize("grace", [-1, 90 * 24 * 3600 + 1, "60", None, 1.5])
async def test_a_malformed_grace_period_is_rejected(api: httpx.AsyncClient, grace: object):
    me = await customer()
    key = await make(make_key, me.user)
    response = await api.post(f"{KEYS}/{key.id}/rotate", json={"grace_seconds": grace}, headers=me.headers)
    assert_error(response, 422, "VALIDATION_FAILED", field="grace_seconds")
    assert len(await rows(ApiKeySecret.objects.all())) == 1


async def test_a_deleted_key_is_not_found_and_its_row_stays(api: httpx.AsyncClient):
    me: Account = await customer()
    key = await make(make_key, me.user)
    response = await api.delete(f"{KEYS}/{key.id}", headers=me.headers)
    assert (response.status_code, response.content) == (204, b"")
    assert await code_of(api, key.secret) == "NOT_FOUND"
    for method, path, body in [("GET", "", None), *CHANGES]:
        again = await api.request(method, f"{KEYS}/{key.id}{path}", json=body, headers=me.headers)
        assert_error(again, 404, "NOT_FOUND")
    assert (await api.get(KEYS, headers=me.headers)).json()["total"] == 0
    assert (await stored(key)).deleted_at is not None
    assert await audited() == [("api_key.deleted", key.id, me.id)]
