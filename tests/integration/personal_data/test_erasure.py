"""`manage.py clean_up` erases the personal data of deleted accounts after their grace period."""

import asyncio
import io
import json
from datetime import timedelta
from typing import Any

import httpx
from django.core.management import call_command
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from apps.api_keys.models import ApiKey
from apps.audit.models import AuditEvent
from apps.authentication.dependencies import authentication_personal_data
from apps.authentication.models import LoginAttempt, Session
from apps.core.request_context import NO_REQUEST, enter_request
from apps.credits.models import CreditTransaction
from apps.mail.models import OutgoingMail
from apps.one_time_tokens.models import OneTimeToken
from apps.personal_data.dependencies import erasure
from apps.users.models import AccountNote, Invitation, PendingRegistration, User
from tests.support.accounts import Account, colleague, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, give_credits, make_key, make_user
from tests.support.orm import make, rows, run_in_transaction

USERS = "/api/v1/users"
PERSONAL = ("ann@example.com", "annie", "Ann Hand", "203.0.113", "secret phone", "Ann's laptop")


async def deleted_customer(api: httpx.AsyncClient, days: int = 31) -> Account:
    """Return a customer with personal data in every app, who deleted the account that many days ago."""
    me = await customer(email="ann@example.com", username="annie", full_name="Ann Hand", password=PASSWORD)
    headers = {**me.headers, "User-Agent": "secret phone", "X-Forwarded-For": "203.0.113.9"}
    await make(make_key, me.user, name="Ann's laptop", ip_allowlist=["203.0.113.9"], metadata={"who": "Ann Hand"})
    await make(give_credits, me.user, 5)
    await api.patch(f"{USERS}/me", json={"full_name": "Ann Hand Smith"}, headers=headers)
    await api.post("/api/v1/auth/login", json={"email": "ann@example.com", "password": PASSWORD}, headers=headers)
    await api.post("/api/v1/auth/forgot-password", json={"email": "ann@example.com"}, headers=headers)
    assert (await api.delete(f"{USERS}/{me.id}", headers=headers)).status_code == 204
    await run_in_transaction(_backdate, me.id, days)
    return me


def _backdate(user_id: int, days: int) -> None:
    User.objects.filter(pk=user_id).update(deleted_at=Now() - timedelta(days=days))
    Invitation.objects.create(email="ann@example.com", user_id=user_id, expires_at=Now())
    Invitation.objects.create(email="Ann@Example.com", expires_at=Now(), revoked_at=Now())
    Invitation.objects.update(created_at=Now() - timedelta(days=days + 1))
    AccountNote.objects.create(user_id=user_id, text="Ann Hand called")
    AuditEvent.objects.create(
        subject_id=user_id, actor_kind="session", action="account_note.deleted", target_kind="account_note",
        before={"text": "Ann Hand called", "author_id": 7},
    )  # fmt: skip
    PendingRegistration.objects.create(email="ann@example.com", username="annie", password="!")
    LoginAttempt.objects.update(client_address="203.0.113.9", signed_in_at=Now() - timedelta(days=days + 1))
    for number, address in enumerate(("ann@example.com", "Ann@Example.com")):
        kept = {"kind": "invitation", "key": f"invitation:{number}", "recipient": address, "expires_at": Now()}
        OutgoingMail.objects.create(**kept, context_encrypted=b"sealed")
    OutgoingMail.objects.update(created_at=Now() - timedelta(days=days + 1))


def _everything() -> str:
    """Return every row of every table as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        texts = []
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT coalesce(string_agg(entry::text, chr(10)), '') FROM \"{table}\" AS entry")
            texts.append(cursor.fetchone()[0])
    return "\n".join(texts)


def clean_up() -> Any:
    enter_request(NO_REQUEST)  # a command runs outside the requests that the test sent before
    output = io.StringIO()
    call_command("clean_up", "--json", stdout=output)
    return json.loads(output.getvalue())


async def audit_trail() -> list[tuple[Any, ...]]:
    events = await rows(AuditEvent.objects.order_by("id"))
    return [(event.action, event.actor_id, event.target_id, event.occurred_at) for event in events]


async def test_no_personal_data_remains_in_any_table(api: httpx.AsyncClient):
    me = await deleted_customer(api)
    before = await run_in_transaction(_everything)
    assert [word for word in PERSONAL if word not in before] == []
    assert (await run_in_transaction(clean_up))["erased_accounts"] == 1
    after = await run_in_transaction(_everything)
    assert [word for word in PERSONAL if word in after] == []
    (user,) = await rows(User.objects.filter(pk=me.id))
    assert (user.email, user.username, user.full_name) == (f"erased-{me.id}@erased.invalid", f"erased-{me.id}", "")
    assert (user.has_usable_password(), user.erased_at is not None) == (False, True)


async def test_ledger_keys_and_audit_trail_are_kept(api: httpx.AsyncClient):
    me = await deleted_customer(api)
    before = await audit_trail()
    await run_in_transaction(clean_up)
    assert [entry.amount for entry in await rows(CreditTransaction.objects.filter(user_id=me.id))] == [5]
    (key,) = await rows(ApiKey.objects.filter(user_id=me.id))
    assert (key.name, key.metadata, key.ip_allowlist) == ("erased", {}, [])
    assert (await audit_trail())[:-1] == before
    (erased,) = await rows(AuditEvent.objects.filter(action="user.erased"))
    assert (erased.target_id, erased.actor_kind) == (me.id, "operator")
    assert await rows(Session.objects.all()) == []
    assert await rows(OneTimeToken.objects.all()) == []
    assert {(mail.recipient, mail.context_encrypted) for mail in await rows(OutgoingMail.objects.all())} == {("", None)}
    assert await rows(LoginAttempt.objects.all()) == []


async def test_accounts_within_the_grace_period_are_kept(api: httpx.AsyncClient, settings):
    await deleted_customer(api, days=29)
    await make(make_user, email="bob@example.com")
    assert (await run_in_transaction(clean_up))["erased_accounts"] == 0
    assert {user.email for user in await rows(User.objects.all())} == {"ann@example.com", "bob@example.com"}
    settings.ERASE_AFTER_DAYS = 28
    assert (await run_in_transaction(clean_up))["erased_accounts"] == 1
    assert (await run_in_transaction(clean_up))["erased_accounts"] == 0


async def test_later_invitation_to_the_address_is_kept(api: httpx.AsyncClient):
    await deleted_customer(api)
    await run_in_transaction(Invitation.objects.all().delete)
    await make(Invitation.objects.create, email="ann@example.com", expires_at=Now() + timedelta(days=7))
    assert (await run_in_transaction(clean_up))["erased_accounts"] == 1
    assert [invitation.email for invitation in await rows(Invitation.objects.all())] == ["ann@example.com"]


async def test_data_of_the_later_owner_of_the_address_is_kept(api: httpx.AsyncClient):
    await deleted_customer(api)
    new = {"email": "ann@example.com", "username": "annie", "password": PASSWORD}
    assert (await api.post(USERS, json=new)).status_code == 201
    credentials = {"email": "ann@example.com", "password": PASSWORD}
    for password in ("wrong", PASSWORD):
        await api.post("/api/v1/auth/login", json={**credentials, "password": password})
    message = {"kind": "invitation", "key": "invitation:9", "expires_at": Now() + timedelta(days=7)}
    await make(OutgoingMail.objects.create, recipient="ann@example.com", **message)
    assert (await run_in_transaction(clean_up))["erased_accounts"] == 1
    counted, total = await rows(LoginAttempt.objects.order_by("-client_address"))
    assert (counted.client_address, counted.signed_in_at is not None, total.client_address) == ("127.0.0.1", True, "*")
    (kept,) = await rows(OutgoingMail.objects.filter(key="invitation:9"))
    assert (kept.recipient, kept.failed_at) == ("ann@example.com", None)


async def test_login_attempts_of_another_address_are_kept(api: httpx.AsyncClient):
    await deleted_customer(api)
    await authentication_personal_data().erase_address("bob@example.com", timezone.now())
    assert len(await rows(LoginAttempt.objects.all())) == 1
    await authentication_personal_data().erase_address("ANN@Example.com", timezone.now())
    assert await rows(LoginAttempt.objects.all()) == []


async def test_concurrent_runs_erase_each_account_once(api: httpx.AsyncClient):
    for _ in range(4):
        await make(make_user, deleted_at=Now() - timedelta(days=31), is_active=False)
    assert sum(await asyncio.gather(*(erasure().run() for _ in range(3)))) == 4
    assert len(await rows(AuditEvent.objects.filter(action="user.erased"))) == 4


async def test_erased_account_cannot_be_restored(api: httpx.AsyncClient):
    me = await deleted_customer(api)
    await run_in_transaction(clean_up)
    staff = await colleague()
    assert_error(await api.post(f"{USERS}/{me.id}/restore", headers=staff.headers), 404, "NOT_FOUND")
    new = {"email": "ann@example.com", "username": "annie", "password": PASSWORD}
    assert (await api.post(USERS, json=new)).status_code == 201
