"""`/api/v1/users/{id}/sessions`: an account's sessions, for its owner and for staff."""

import httpx
import pytest

from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.core.authorization.catalogue import STAFF_SCOPES
from tests.support.accounts import Account, audited, colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import make_key
from tests.support.orm import make, rows
from tests.support.sessions import sign_in
from tests.support.staff_browser import admin_session

USERS = "/api/v1/users"


async def status_of(api: httpx.AsyncClient, headers: dict[str, str]) -> int:
    return (await api.get(f"{USERS}/me", headers=headers)).status_code


async def sessions_of(account: Account) -> list[Session]:
    return await rows(Session.objects.filter(user=account.user).order_by("-id"))


async def test_staff_list_a_customers_live_sessions(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague()
    phone = await make(sign_in, me.user)
    await api.post("/api/v1/auth/logout", headers=phone)
    laptop = await make(sign_in, me.user)
    newest, _, oldest = await sessions_of(me)
    for caller, current_id in ((staff.headers, None), (laptop, newest.pk)):
        page = (await api.get(f"{USERS}/{me.id}/sessions", headers=caller)).json()
        assert [item["id"] for item in page["items"]] == [newest.pk, oldest.pk]
        assert [item["id"] for item in page["items"] if item["is_current"]] == ([current_id] if current_id else [])
    second = (await api.get(f"{USERS}/{me.id}/sessions?page=2&size=1", headers=staff.headers)).json()
    assert ([item["id"] for item in second["items"]], second["total"]) == ([oldest.pk], 2)


async def test_staff_end_one_session_at_once(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague()
    phone = await make(sign_in, me.user)
    (newest, oldest) = await sessions_of(me)
    answer = await api.delete(f"{USERS}/{me.id}/sessions/{newest.pk}", headers=staff.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert [await status_of(api, headers) for headers in (phone, me.headers, staff.headers)] == [401, 200, 200]
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.action, event.target_id, event.actor_id, event.subject_id) == (
        "session.ended", newest.pk, staff.id, me.id,
    )  # fmt: skip
    again = await api.delete(f"{USERS}/{me.id}/sessions/{newest.pk}", headers=staff.headers)
    assert_error(again, 404, "NOT_FOUND")
    (ended,) = await rows(Session.objects.filter(pk=newest.pk))
    assert (ended.revoked_reason, oldest.revoked_at) == ("ended by staff", None)
    (listed,) = (await api.get("/api/v1/auth/events", headers=me.headers)).json()["items"]
    assert (listed["action"], listed["actor"], listed["ip_address"]) == ("session.ended", "staff", None)


async def test_staff_end_all_sessions_of_api_and_admin(api: httpx.AsyncClient):
    me, staff = await superuser(), await superuser()
    await make(admin_session, me.user)
    answer = await api.delete(f"{USERS}/{me.id}/sessions", headers=staff.headers)
    assert answer.status_code == 204
    assert [await status_of(api, headers) for headers in (me.headers, staff.headers)] == [401, 200]
    ended = await sessions_of(me)
    assert {(session.kind, session.revoked_reason) for session in ended} == {
        ("api", "ended by staff"), ("admin", "ended by staff"),
    }  # fmt: skip
    assert await audited() == [("sessions.ended", me.id, staff.id)]


async def test_owner_ends_own_sessions(api: httpx.AsyncClient):
    me = await customer()
    phone = await make(sign_in, me.user)
    newest, _ = await sessions_of(me)
    assert (await api.delete(f"{USERS}/{me.id}/sessions/{newest.pk}", headers=me.headers)).status_code == 204
    assert await status_of(api, phone) == 401
    assert (await api.delete(f"{USERS}/{me.id}/sessions", headers=me.headers)).status_code == 204
    assert await status_of(api, me.headers) == 401
    assert {session.revoked_reason for session in await sessions_of(me)} == {"signed out"}


async def test_session_ends_only_under_its_owner(api: httpx.AsyncClient):
    me, other, staff = await customer(), await customer(), await superuser()
    (theirs,) = await sessions_of(other)
    for caller in (me, staff):
        answer = await api.delete(f"{USERS}/{me.id}/sessions/{theirs.pk}", headers=caller.headers)
        assert_error(answer, 404, "NOT_FOUND")
    assert (await status_of(api, other.headers), await audited()) == (200, [])


EACH = pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("DELETE", ""), ("DELETE", "/{session_id}")], ids=["list", "end all", "end one"]
)


@EACH
async def test_others_are_refused(api: httpx.AsyncClient, method: str, path: str):
    me, other, boss, staff = await customer(), await customer(), await superuser(), await colleague()
    reader = await colleague("customers:read")
    for target, caller, code in (
        (other, me, "FORBIDDEN"),
        (other, reader, "INSUFFICIENT_SCOPES"),
        (boss, me, "FORBIDDEN"),
        *([] if method == "GET" else [(boss, staff, "FORBIDDEN")]),
    ):
        (session,) = await sessions_of(target)
        address = f"{USERS}/{target.id}/sessions{path.format(session_id=session.pk)}"
        assert_error(await api.request(method, address, headers=caller.headers), 403, code)
        assert_error(await api.request(method, address), 401, "NOT_AUTHENTICATED")
        assert await status_of(api, target.headers) == 200
    assert await audited() == []


@EACH
async def test_api_key_needs_the_scope_of_staff(api: httpx.AsyncClient, method: str, path: str):
    me, staff = await customer(), await superuser()
    (session,) = await sessions_of(me)
    address = f"{USERS}/{me.id}/sessions{path.format(session_id=session.pk)}"
    for owner, code in ((me, "FORBIDDEN"), (staff, "INSUFFICIENT_SCOPES")):
        key = await make(make_key, owner.user, scopes=["account:read", "account:write"])
        assert_error(await api.request(method, address, headers=key.headers), 403, code)
    assert await status_of(api, me.headers) == 200
    key = await make(make_key, staff.user, scopes=sorted(STAFF_SCOPES))
    assert (await api.request(method, address, headers=key.headers)).status_code in {200, 204}


@EACH
@pytest.mark.parametrize(("user_id", "status"), [("999999", 404), ("0", 422), ("x", 422), ("9" * 20, 422)])
async def test_malformed_or_missing_account_is_rejected(
    api: httpx.AsyncClient, method: str, path: str, user_id: str, status: int
):
    staff = await superuser()
    answer = await api.request(method, f"{USERS}/{user_id}/sessions{path.format(session_id=1)}", headers=staff.headers)
    assert_error(answer, status, "NOT_FOUND" if status == 404 else "VALIDATION_FAILED")
    assert (await status_of(api, staff.headers), await audited()) == (200, [])
