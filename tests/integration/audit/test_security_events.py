"""`GET /api/v1/auth/events`."""

from typing import Any

import httpx

from apps.audit.dependencies import audit_trail
from apps.audit.domain.audit_entry import AuditEntry, Outcome
from apps.audit.models import AuditEvent
from apps.core.authorization.principal import ANONYMOUS, OPERATOR, CredentialKind, Principal
from apps.core.database.transaction import transaction
from tests.support.accounts import customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import make_key
from tests.support.orm import make, rows

EVENTS = "/api/v1/auth/events"


async def record(entry: AuditEntry) -> None:
    async with transaction():
        await audit_trail().record(entry)


async def events_of(api: httpx.AsyncClient, headers: dict[str, str], query: str = "") -> dict[str, Any]:
    response = await api.get(f"{EVENTS}{query}", headers=headers)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


async def test_owners_see_their_own_events_with_addresses(api: httpx.AsyncClient):
    me, _ = await customer(), await customer()
    headers = {**me.headers, "User-Agent": "phone", "X-Request-ID": "req-1"}
    assert (await api.patch("/api/v1/users/me", json={"full_name": "Ann"}, headers=headers)).status_code == 200
    page = await events_of(api, me.headers)
    assert page["total"] == 1
    (event,) = page["items"]
    (row,) = await rows(AuditEvent.objects.all())
    assert event == {
        "id": row.pk,
        "occurred_at": event["occurred_at"],
        "action": "user.updated",
        "outcome": "success",
        "actor": "owner",
        "target_kind": "user",
        "target_id": me.id,
        "ip_address": "127.0.0.1",
        "user_agent": "phone",
        "request_id": "req-1",
    }


async def test_owners_see_events_by_staff_without_their_address(api: httpx.AsyncClient):
    me, staff = await customer(), await superuser()
    changed = await api.patch(f"/api/v1/users/{me.id}", json={"full_name": "Ann"}, headers=staff.headers)
    assert changed.status_code == 200
    (event,) = (await events_of(api, me.headers))["items"]
    assert (event["actor"], event["ip_address"], event["user_agent"]) == ("staff", None, "")
    assert (await events_of(api, staff.headers))["items"] == []


async def test_owners_see_what_staff_did_to_their_keys(api: httpx.AsyncClient):
    me, staff = await customer(), await superuser()
    made = await api.post(f"/api/v1/users/{me.id}/api-keys", json={"name": "laptop"}, headers=staff.headers)
    key = f"/api/v1/api-keys/{made.json()['id']}"
    await api.patch(key, json={"name": "phone"}, headers=staff.headers)
    await api.post(f"{key}/rotate", headers=staff.headers)
    await api.post(f"{key}/revoke", headers=staff.headers)
    await api.delete(key, headers=staff.headers)
    items = (await events_of(api, me.headers))["items"]
    done = [(event["action"].removeprefix("api_key."), event["actor"]) for event in reversed(items)]
    assert done == [(what, "staff") for what in ("created", "updated", "rotated", "revoked", "deleted")]
    assert (await events_of(api, staff.headers))["items"] == []


async def test_actors_are_distinguished(api: httpx.AsyncClient):
    me = await customer()
    key = Principal(user_id=me.id, kind=CredentialKind.API_KEY)
    for actor, outcome in ((key, Outcome.SUCCESS), (OPERATOR, Outcome.SUCCESS), (ANONYMOUS, Outcome.FAILURE)):
        await record(AuditEntry(actor, "thing.tried", "user", me.id, outcome=outcome))
    items = (await events_of(api, me.headers))["items"]
    assert [(item["actor"], item["outcome"]) for item in items] == [
        ("unknown", "failure"),
        ("operator", "success"),
        ("api_key", "success"),
    ]


async def test_events_are_paged(api: httpx.AsyncClient):
    me = await customer()
    for number in range(3):
        await record(AuditEntry(OPERATOR, f"thing.{number}", "thing", subject_id=me.id))
    page = await events_of(api, me.headers, "?size=2&page=2")
    assert [item["action"] for item in page["items"]] == ["thing.0"]
    assert (page["total"], page["pages"]) == (3, 2)


async def test_events_need_a_session(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user, scopes=["account:read", "account:write"])
    assert_error(await api.get(EVENTS, headers=key.headers), 403, "FORBIDDEN")
    assert_error(await api.get(EVENTS), 401, "NOT_AUTHENTICATED")
