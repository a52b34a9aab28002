"""Removing all second factors of an owner who has lost them: the API and the command."""

import io
import json

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.db.transaction import atomic

from apps.audit.models import AuditEvent
from apps.core.database.transaction import transaction
from apps.second_factors.dependencies import personal_data
from apps.second_factors.models import FactorAttempt, Passkey, RecoveryCode, TotpDevice
from tests.support.accounts import Account, colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_key, make_user
from tests.support.mailbox import letters_to
from tests.support.orm import make, rows
from tests.support.second_factors import FACTORS, begin_sign_in, enrol_passkey, enrol_totp, let_proofs_grow_old


async def person(api: httpx.AsyncClient) -> Account:
    """Return an account with every kind of factor."""
    me = await customer(password=PASSWORD)
    await enrol_totp(api, me)
    await enrol_passkey(api, me)
    return me


def path(account: Account) -> str:
    return f"/api/v1/users/{account.id}/second-factors"


async def factors_left() -> int:
    models = (TotpDevice, RecoveryCode, Passkey)
    return sum([len(await rows(model.objects.all())) for model in models])


async def test_superuser_removes_all_factors_and_ends_the_sessions(api: httpx.AsyncClient):
    me, root = await person(api), await superuser()
    assert (await api.delete(path(me), headers=root.headers)).status_code == 204
    assert await factors_left() == 0
    assert_error(await api.get(FACTORS, headers=me.headers), 401, "NOT_AUTHENTICATED")
    (event,) = await rows(AuditEvent.objects.filter(action="second_factors.reset"))
    assert (event.actor_id, event.subject_id) == (root.id, me.id)
    messages = await make(letters_to, me.user.email)
    assert messages[-1].context["what"] == "All second factors of your account were removed."
    assert messages[-1].context["by_staff"] == "yes"
    signed_in = await api.post("/api/v1/auth/login", json={"email": me.user.email, "password": PASSWORD})
    assert signed_in.status_code == 200
    assert_error(await api.delete(path(me), headers=root.headers), 404, "NOT_FOUND")


async def test_staff_remove_one_factor_and_end_the_sessions(api: httpx.AsyncClient):
    me, root = await person(api), await superuser()
    passkey = (await rows(Passkey.objects.all()))[0]
    other = await customer()
    for account, one in ((me, f"passkeys/{passkey.pk}"), (me, "totp")):
        lost = f"{path(account)}/{one}"
        missing = await api.delete(f"{path(other)}/{one}", headers=root.headers)
        assert_error(missing, 404, "NOT_FOUND")
        removed = await api.request("DELETE", lost, json={"reason": "lost"}, headers=root.headers)
        assert removed.status_code == 204
        assert_error(await api.get(FACTORS, headers=me.headers), 401, "NOT_AUTHENTICATED")
        assert_error(await api.delete(lost, headers=root.headers), 404, "NOT_FOUND")
        assert await factors_left() == (11 if one != "totp" else 0)
    events = await rows(AuditEvent.objects.filter(action="second_factor.removed").order_by("id"))
    assert [(each.before["kind"], each.subject_id, each.reason) for each in events] == [
        ("passkey", me.id, "lost"),
        ("totp", me.id, "lost"),
    ]
    messages = await make(letters_to, me.user.email)
    assert [each.context["by_staff"] for each in messages[-2:]] == ["yes", "yes"]


@pytest.mark.parametrize("one", ["totp", "passkeys/1"])
async def test_one_factor_is_removed_by_staff_in_person_only(api: httpx.AsyncClient, one: str):
    me, staff, root = await person(api), await colleague("customers:write", "security:read"), await superuser()
    key = await make(make_key, root.user, scopes=["security:write"])
    for headers, code in (
        (me.headers, "FORBIDDEN"),
        (staff.headers, "INSUFFICIENT_SCOPES"),
        (key.headers, "FORBIDDEN"),
    ):
        assert_error(await api.delete(f"{path(me)}/{one}", headers=headers), 403, code)
    await let_proofs_grow_old()
    assert_error(await api.delete(f"{path(me)}/{one}", headers=root.headers), 401, "STEP_UP_REQUIRED")
    assert await factors_left() == 12


async def test_reset_needs_recent_authentication(api: httpx.AsyncClient):
    me, root = await person(api), await superuser()
    await let_proofs_grow_old()
    assert_error(await api.delete(path(me), headers=root.headers), 401, "STEP_UP_REQUIRED")
    assert await factors_left() == 12


async def test_owners_keys_and_staff_without_the_scope_are_not_allowed(api: httpx.AsyncClient):
    me, staff, root = await person(api), await colleague("customers:write", "security:read"), await superuser()
    key = await make(make_key, root.user, scopes=["security:write"])
    for headers, code in (
        (me.headers, "FORBIDDEN"),
        (staff.headers, "INSUFFICIENT_SCOPES"),
        (key.headers, "FORBIDDEN"),
    ):
        assert_error(await api.delete(path(me), headers=headers), 403, code)
    assert await factors_left() == 12


async def test_staff_see_the_factors_without_any_secret(api: httpx.AsyncClient):
    me, other, staff = await person(api), await customer(), await colleague()
    seen = await api.get(path(me), headers=staff.headers)
    assert seen.status_code == 200
    assert seen.json()["kinds"] == ["totp", "recovery_code", "passkey"]
    assert "secret" not in seen.text
    assert_error(await api.get(path(me), headers=other.headers), 403, "FORBIDDEN")
    missing = await api.get("/api/v1/users/999999/second-factors", headers=staff.headers)
    assert_error(missing, 404, "NOT_FOUND")


async def test_erasure_deletes_all_factors_of_the_account(api: httpx.AsyncClient):
    me, other = await person(api), await person(api)
    await begin_sign_in(api, me)
    await api.post("/api/v1/auth/step-up", json={"code": "000000"}, headers=me.headers)
    assert len(await rows(FactorAttempt.objects.filter(user_id=me.id))) == 2
    async with transaction():
        await personal_data().erase(me.id)
    assert await factors_left() == 12
    assert await rows(FactorAttempt.objects.filter(user_id=me.id)) == []
    assert {row.user_id for row in await rows(Passkey.objects.all())} == {other.id}


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("reset_second_factors", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_operator_removes_factors_by_the_address(database):
    user = make_user(email="Ann@example.com")
    with atomic():
        Passkey.objects.create(**_passkey(user.pk))
    assert json.loads(run("ann@EXAMPLE.com", "--json")) == {"user_id": user.pk, "removed": ["passkey"]}
    assert not Passkey.objects.exists()
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_kind, event.subject_id) == ("second_factors.reset", "operator", user.pk)
    user.refresh_from_db()
    assert user.sessions_ended_at is not None


@pytest.mark.parametrize("email", ["ann@example.com", "nobody@example.com"])
def test_operator_gets_an_error_without_account_or_factor(database, email: str):
    make_user(email="ann@example.com")
    with pytest.raises(CommandError, match=r"No account has|has no second factor"):
        run(email)
    assert not AuditEvent.objects.exists()


def _passkey(user_id: int) -> dict[str, object]:
    return {
        "user_id": user_id,
        "user_handle": b"handle",
        "name": "laptop",
        "credential_id": b"id",
        "public_key": b"key",
        "sign_count": 0,
        "aaguid": "00000000-0000-0000-0000-000000000000",
        "is_backup_eligible": False,
        "is_backed_up": False,
    }
