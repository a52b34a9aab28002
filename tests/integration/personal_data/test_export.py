"""`GET /api/v1/users/me/export` and `/users/{id}/export`."""

from datetime import timedelta

import httpx
from django.db import connection
from django.db.models import Model
from django.db.models.functions import Now
from django.utils import timezone

from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.core.authorization.catalogue import STAFF_SCOPES
from apps.core.declarations import EXPORT_ROWS_MAXIMUM
from apps.credits.models import CreditTransaction
from apps.identities.models import Identity
from apps.users.models import User
from tests.support.accounts import audited, colleague, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, give_credits, make_key, make_staff
from tests.support.orm import make, rows, run_in_transaction

ME = "/api/v1/users/me/export"


USE = """
INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, tag, request_id)
VALUES (now() - make_interval(days => %s), %s, %s, %s, 1, '', '')
"""


def _use(user_id: int, key_id: int, cost: str, days: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(USE, [days, user_id, key_id, cost])


def _use_daily(user_id: int, keys: int) -> None:
    for key_id in range(1, keys + 1):
        for days in range(30):
            _use(user_id, key_id, "1", days)


async def test_export_has_all_personal_data_and_no_secret(api: httpx.AsyncClient):
    me, other = await customer(email="ann@example.com", password=PASSWORD), await customer(email="bob@example.com")
    key = await make(make_key, me.user, name="laptop")
    await make(make_key, other.user, name="bob's")
    await make(give_credits, me.user, 5)
    for cost, days in (("0.5", 3), ("0.25", 40)):
        await run_in_transaction(_use, me.id, key.id, cost, days)
    await api.patch("/api/v1/users/me", json={"full_name": "Ann"}, headers=me.headers)
    response = await api.get(ME, headers=me.headers)
    assert response.status_code == 200
    export = response.json()
    assert (export["account"]["email"], export["account"]["full_name"]) == ("ann@example.com", "Ann")
    data = export["data"]
    assert [item["name"] for item in data["api_keys"]["items"]] == ["laptop"]
    assert data["credits"]["balance"] == {"user_id": me.id, "balance": "5.000000"}
    assert [(item["type"], item["amount"]) for item in data["credits"]["ledger"]["items"]] == [("top_up", "5.000000")]
    assert [(item["api_key_id"], item["calls"], item["cost"]) for item in data["usage"]["items"]] == [
        (key.id, 1, "0.500000")
    ]
    assert [item["action"] for item in data["security_events"]["items"]] == ["user.updated"]
    assert data["sessions"]["total"] == 1
    (password,) = {row.password for row in await rows(type(me.user).objects.filter(pk=me.id))}
    for secret in (key.secret, password, "bob"):
        assert secret not in response.text
    assert (await audited())[-1] == ("user.exported", me.id, me.id)


async def test_own_export_needs_recent_authentication(api: httpx.AsyncClient):
    me = await customer()
    key = await make(make_key, me.user, scopes=["account:read", "account:write"])
    assert_error(await api.get(ME, headers=key.headers), 403, "FORBIDDEN")
    await run_in_transaction(Session.objects.update, authenticated_at=Now() - timedelta(minutes=11))
    assert_error(await api.get(ME, headers=me.headers), 401, "STEP_UP_REQUIRED")
    assert_error(await api.get(ME), 401, "NOT_AUTHENTICATED")
    assert await audited() == []


async def test_export_by_staff_is_audited(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague()
    response = await api.get(f"/api/v1/users/{me.id}/export", headers=staff.headers)
    assert (response.status_code, response.json()["account"]["id"]) == (200, me.id)
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.action, event.subject_id, event.actor_id) == ("user.exported", me.id, staff.id)


async def test_account_is_exported_up_to_five_times_an_hour(api: httpx.AsyncClient):
    me, other, staff = await customer(), await customer(), await colleague()
    for path, caller in ((ME, me), (f"/api/v1/users/{me.id}/export", staff)):
        answers = [await api.get(path, headers=caller.headers) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert_error(answers[5], 429, "RATE_LIMITED")
    assert len(await audited()) == 10
    for path, caller in ((ME, other), (f"/api/v1/users/{other.id}/export", staff)):
        assert (await api.get(path, headers=caller.headers)).status_code == 200


async def test_refused_exports_are_not_counted(api: httpx.AsyncClient):
    me, other, staff = await customer(), await customer(), await colleague()
    boss = await make(make_staff)
    key = await make(make_key, me.user, scopes=["account:read", "account:write"])
    own_as_staff = f"/api/v1/users/{staff.id}/export"
    await run_in_transaction(Session.objects.update, authenticated_at=Now() - timedelta(minutes=11))
    for _ in range(6):
        assert_error(await api.get(ME, headers=key.headers), 403, "FORBIDDEN")
        assert_error(await api.get(f"/api/v1/users/{me.id}/export", headers=other.headers), 403, "FORBIDDEN")
        assert_error(await api.get(f"/api/v1/users/{boss.pk}/export", headers=staff.headers), 403, "FORBIDDEN")
        for path, caller in ((ME, me), (own_as_staff, staff)):
            assert_error(await api.get(path, headers=caller.headers), 401, "STEP_UP_REQUIRED")
    await run_in_transaction(Session.objects.update, authenticated_at=Now())
    for path, caller in ((ME, me), (own_as_staff, staff)):
        answers = [await api.get(path, headers=caller.headers) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]


async def test_lists_hold_the_newest_rows_and_the_total(api: httpx.AsyncClient):
    me = await customer()
    event = {"action": "x.done", "subject_id": me.id, "actor_kind": "operator", "target_kind": "user"}
    await make(AuditEvent.objects.bulk_create, [AuditEvent(**event) for _ in range(EXPORT_ROWS_MAXIMUM + 1)])
    await run_in_transaction(_use_daily, me.id, EXPORT_ROWS_MAXIMUM // 30 + 1)
    data = (await api.get(ME, headers=me.headers)).json()["data"]
    events, usage = data["security_events"], data["usage"]
    newest, *_ = await rows(AuditEvent.objects.filter(action="x.done").order_by("-id"))
    assert (len(events["items"]), events["total"], events["items"][0]["id"]) == (1000, 1001, newest.pk)
    assert (len(usage["items"]), usage["total"]) == (1000, 1020)
    assert usage["items"][0]["day"] > usage["items"][-1]["day"]


NUMBERS = range(EXPORT_ROWS_MAXIMUM + 1)


def _fill_every_list(user: User) -> None:
    """Create one row more than an export has, of each kind that accounts own."""
    keys = ApiKey.objects.bulk_create([ApiKey(user=user, name=f"number {number}") for number in NUMBERS])
    ApiKeySecret.objects.bulk_create([ApiKeySecret(api_key=key, digest=f"{key.pk}".encode()) for key in keys])
    Identity.objects.bulk_create(
        [Identity(user=user, provider="p", issuer="i", subject=f"{user.pk}.{n}") for n in NUMBERS]
    )
    CreditTransaction.objects.bulk_create(
        [CreditTransaction(user=user, type="top_up", amount=1, balance_after=n + 1) for n in NUMBERS]
    )
    times = {"last_used_at": timezone.now(), "expires_at": timezone.now()}
    Session.objects.bulk_create([Session(user=user, family_digest=f"{user.pk}.{n}".encode(), **times) for n in NUMBERS])


def _ids(model: type[Model], user: User) -> list[int]:
    return list(model._default_manager.filter(user=user).order_by("-pk").values_list("pk", flat=True))


async def test_only_the_oldest_rows_are_left_out_of_every_list(api: httpx.AsyncClient):
    me, other = await customer(), await customer()
    await make(_fill_every_list, other.user)
    await make(_fill_every_list, me.user)
    data = (await api.get(ME, headers=me.headers)).json()["data"]
    for model, section in (
        (ApiKey, data["api_keys"]),
        (Identity, data["identities"]),
        (CreditTransaction, data["credits"]["ledger"]),
        (Session, data["sessions"]),
    ):
        ids = await make(_ids, model, me.user)
        assert [item["id"] for item in section["items"]] == ids[:EXPORT_ROWS_MAXIMUM]
        assert (section["total"], len(ids) > EXPORT_ROWS_MAXIMUM) == (len(ids), True)


async def test_other_accounts_are_not_exported(api: httpx.AsyncClient):
    me, other, staff = await customer(), await customer(), await colleague()
    boss = await make(make_staff)
    for user_id, headers, status, code in (
        (me.id, other.headers, 403, "FORBIDDEN"),
        (boss.pk, staff.headers, 403, "FORBIDDEN"),
        (2**40, staff.headers, 404, "NOT_FOUND"),
    ):
        assert_error(await api.get(f"/api/v1/users/{user_id}/export", headers=headers), status, code)
    assert await audited() == []


async def test_export_of_staff_by_themselves_needs_recent_authentication(api: httpx.AsyncClient):
    staff = await colleague()
    key = await make(make_key, staff.user, scopes=sorted(STAFF_SCOPES))
    own = f"/api/v1/users/{staff.id}/export"
    assert_error(await api.get(own, headers=key.headers), 403, "FORBIDDEN")
    assert (await api.get(own, headers=staff.headers)).status_code == 200
    await run_in_transaction(Session.objects.update, authenticated_at=Now() - timedelta(minutes=11))
    assert_error(await api.get(own, headers=staff.headers), 401, "STEP_UP_REQUIRED")
    assert await audited() == [("user.exported", staff.id, staff.id)]
