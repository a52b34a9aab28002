"""`manage.py clean_up` erases whose an account was once its grace is over."""

import asyncio
import io
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.utils import timezone
from psycopg_pool import PoolTimeout

from apps.api_keys.models import ApiKey
from apps.audit.models import AuditEvent
from apps.authentication.dependencies import session_data
from apps.authentication.models import LoginAttempt, Session
from apps.core.database.transactions import run_in_transaction, run_statement
from apps.core.declarations.old_personal_data import ErasePersonalData
from apps.core.errors import Unavailable
from apps.core.request_context import NO_REQUEST, enter_request
from apps.credits.models import CreditTransaction
from apps.mail.models import OutgoingMail
from apps.one_time_tokens.models import OneTimeToken
from apps.personal_data.dependencies import erasure
from apps.personal_data.services.erasure import Erasure
from apps.users.dependencies import account_removal
from apps.users.models import Invitation, PendingRegistration, User
from apps.users.repositories import erasure_repository
from tests.support.accounts import Account, colleague, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, give_credits, make_key, make_user
from tests.support.orm import make, rows

USERS = "/api/v1/users"
PERSONAL = ("ann@example.com", "annie", "Ann Hand", "203.0.113", "secret phone", "Ann's laptop")


async def ann_deleted(api: httpx.AsyncClient, days: int = 31) -> Account:
    """Return somebody of whom much is kept, and who deleted the account so many days ago."""
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
    enter_request(NO_REQUEST)  # a command is no part of the request that the test made before
    output = io.StringIO()
    call_command("clean_up", "--json", stdout=output)
    return json.loads(output.getvalue())


async def what_was_done() -> list[tuple[Any, ...]]:
    events = await rows(AuditEvent.objects.order_by("id"))
    return [(event.action, event.actor_id, event.target_id, event.occurred_at) for event in events]


def remove_sessions(user_id: int) -> None:
    Session.objects.filter(user_id=user_id).delete()


async def test_nothing_tells_any_more_whose_it_was(api: httpx.AsyncClient):
    me = await ann_deleted(api)
    before = await run_in_transaction(_everything)
    assert [word for word in PERSONAL if word not in before] == []
    assert (await run_in_transaction(clean_up))["erased_accounts"] == 1
    after = await run_in_transaction(_everything)
    assert [word for word in PERSONAL if word in after] == []
    (user,) = await rows(User.objects.filter(pk=me.id))
    assert (user.email, user.username, user.full_name) == (f"erased-{me.id}@erased.invalid", f"erased-{me.id}", "")
    assert (user.has_usable_password(), user.erased_at is not None) == (False, True)


async def test_the_ledger_the_keys_and_what_was_done_stay(api: httpx.AsyncClient):
    me = await ann_deleted(api)
    trail = await what_was_done()
    await run_in_transaction(clean_up)
    assert [entry.amount for entry in await rows(CreditTransaction.objects.filter(user_id=me.id))] == [5]
    (key,) = await rows(ApiKey.objects.filter(user_id=me.id))
    assert (key.name, key.metadata, key.ip_allowlist) == ("erased", {}, [])
    assert (await what_was_done())[:-1] == trail
    (erased,) = await rows(AuditEvent.objects.filter(action="user.erased"))
    assert (erased.target_id, erased.actor_kind) == (me.id, "operator")
    assert await rows(Session.objects.all()) == []
    assert await rows(OneTimeToken.objects.all()) == []
    assert {(mail.recipient, mail.context_encrypted) for mail in await rows(OutgoingMail.objects.all())} == {("", None)}
    assert await rows(LoginAttempt.objects.all()) == []


async def test_an_account_within_its_grace_and_a_living_one_stay(api: httpx.AsyncClient, settings):
    await ann_deleted(api, days=29)
    await make(make_user, email="bob@example.com")
    assert (await run_in_transaction(clean_up))["erased_accounts"] == 0
    assert {user.email for user in await rows(User.objects.all())} == {"ann@example.com", "bob@example.com"}
    settings.ERASE_AFTER_DAYS = 28
    assert (await run_in_transaction(clean_up))["erased_accounts"] == 1
    assert (await run_in_transaction(clean_up))["erased_accounts"] == 0


async def test_an_invitation_of_later_stays(api: httpx.AsyncClient):
    await ann_deleted(api)
    await run_in_transaction(Invitation.objects.all().delete)
    await make(Invitation.objects.create, email="ann@example.com", expires_at=Now() + timedelta(days=7))
    assert (await run_in_transaction(clean_up))["erased_accounts"] == 1
    assert [invitation.email for invitation in await rows(Invitation.objects.all())] == ["ann@example.com"]


async def test_what_somebody_leaves_who_has_the_address_since_stays(api: httpx.AsyncClient):
    await ann_deleted(api)
    new = {"email": "ann@example.com", "username": "annie", "password": PASSWORD}
    assert (await api.post(USERS, json=new)).status_code == 201
    credentials = {"email": "ann@example.com", "password": PASSWORD}
    for password in ("wrong", PASSWORD):
        await api.post("/api/v1/auth/login", json={**credentials, "password": password})
    letter = {"kind": "invitation", "key": "invitation:9", "expires_at": Now() + timedelta(days=7)}
    await make(OutgoingMail.objects.create, recipient="ann@example.com", **letter)
    assert (await run_in_transaction(clean_up))["erased_accounts"] == 1
    known, total = await rows(LoginAttempt.objects.order_by("-client_address"))
    assert (known.client_address, known.signed_in_at is not None, total.client_address) == ("127.0.0.1", True, "*")
    (kept,) = await rows(OutgoingMail.objects.filter(key="invitation:9"))
    assert (kept.recipient, kept.failed_at) == ("ann@example.com", None)


async def test_counts_of_another_account_stay(api: httpx.AsyncClient):
    await ann_deleted(api)
    await make(session_data().erase_address, "bob@example.com", timezone.now())
    assert len(await rows(LoginAttempt.objects.all())) == 1
    await make(session_data().erase_address, "ANN@Example.com", timezone.now())
    assert await rows(LoginAttempt.objects.all()) == []


async def test_of_two_at_once_each_is_erased_once(api: httpx.AsyncClient):
    for _ in range(4):
        await make(make_user, deleted_at=Now() - timedelta(days=31), is_active=False)
    assert sum(await asyncio.gather(*(erasure().run() for _ in range(3)))) == 4
    assert len(await rows(AuditEvent.objects.filter(action="user.erased"))) == 4


async def test_where_a_room_fails_nothing_of_the_account_is_erased_and_the_next_is(
    api: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
):
    me = await ann_deleted(api)
    second = await make(make_user, email="bob@example.com", deleted_at=Now() - timedelta(days=31))

    def fail(user_id: int) -> None:
        if user_id == me.id:
            raise LookupError

    assert await Erasure(account_removal(), (remove_sessions, fail), ()).run() == 1
    assert "LookupError" in caplog.text
    assert (await rows(User.objects.filter(pk=second.pk)))[0].erased_at is not None
    (user,) = await rows(User.objects.filter(pk=me.id))
    assert (user.email, user.erased_at) == ("ann@example.com", None)
    assert len(await rows(Session.objects.all())) == 2


@pytest.fixture
def two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure_repository, "DUE_MAXIMUM", 2)


@pytest.mark.usefixtures("two_at_a_time")
async def test_all_that_are_due_are_erased_however_many_and_those_that_cannot_be_are_tried_once(api: httpx.AsyncClient):
    a_month_ago = timezone.now() - timedelta(days=31)
    users = [await make(make_user, deleted_at=a_month_ago, is_active=False) for _ in range(7)]
    due, tried = [user.pk for user in users], []
    broken = due[:3]

    def erase(user_id: int) -> None:
        tried.append(user_id)
        if user_id in broken:
            raise LookupError

    assert await Erasure(account_removal(), (erase,), ()).run() == 4
    assert tried == due
    assert [user.pk for user in await rows(User.objects.filter(erased_at=None))] == broken


def refusing(sqlstate: str, user_id: int, tried: list[int]) -> ErasePersonalData:
    def erase(erased_id: int) -> None:
        tried.append(erased_id)
        if erased_id == user_id:
            run_statement(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END $$", [])

    return erase


async def two_due() -> tuple[int, int]:
    first = await make(make_user, deleted_at=Now() - timedelta(days=32), is_active=False)
    second = await make(make_user, deleted_at=Now() - timedelta(days=31), is_active=False)
    return first.pk, second.pk


@pytest.mark.parametrize("sqlstate", ["55P03", "40P01", "57014"])  # a lock, a deadlock, a statement that took too long
async def test_what_one_account_fails_for_keeps_back_no_other(
    api: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, sqlstate: str
):
    first, second = await two_due()
    tried: list[int] = []
    assert await Erasure(account_removal(), (refusing(sqlstate, first, tried),), ()).run() == 1
    assert tried == [first, second]
    assert [line.getMessage() for line in caplog.records] == [f"unexpected OperationalError {sqlstate}"]
    assert [user.pk for user in await rows(User.objects.exclude(erased_at=None))] == [second]


async def test_a_database_that_goes_down_ends_the_round(api: httpx.AsyncClient, caplog: pytest.LogCaptureFixture):
    first, _ = await two_due()
    tried: list[int] = []
    with pytest.raises(OperationalError):
        await Erasure(account_removal(), (refusing("57P01", first, tried),), ()).run()
    assert (tried, caplog.records) == ([first], [])
    assert await rows(User.objects.exclude(erased_at=None)) == []


@pytest.mark.parametrize("error", [Unavailable, PoolTimeout])
async def test_a_known_outage_ends_the_round(
    api: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, error: type[Exception]
):
    first, _ = await two_due()
    tried: list[int] = []

    def fail(user_id: int) -> None:
        tried.append(user_id)
        raise error

    with pytest.raises(error):
        await Erasure(account_removal(), (fail,), ()).run()
    assert (tried, caplog.records) == ([first], [])


async def test_an_erased_account_is_shown_and_not_restored(api: httpx.AsyncClient):
    me = await ann_deleted(api)
    await run_in_transaction(clean_up)
    staff = await colleague()
    assert_error(await api.post(f"{USERS}/{me.id}/restore", headers=staff.headers), 404, "NOT_FOUND")
    new = {"email": "ann@example.com", "username": "annie", "password": PASSWORD}
    assert (await api.post(USERS, json=new)).status_code == 201
