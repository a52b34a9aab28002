"""Which rows the transactions of accounts lock before they write to them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from pydantic import SecretStr

from apps.core.authorization.principal import OPERATOR
from apps.core.crypto.passwords import hash_password
from apps.core.database.transaction import transaction
from apps.users.dependencies import (
    account_credentials,
    account_erasure,
    account_removal,
    account_update,
    confirmed_registration,
    email_change,
    email_verification,
    federated_registration,
    invitation_service,
    registration,
    role_service,
)
from apps.users.models import User
from apps.users.schemas.invitation import InvitationCreate
from apps.users.schemas.role import RoleCreate, RoleUpdate
from apps.users.schemas.user import RegistrationConfirm, UserCreate, UserUpdate
from tests.support.callers import session_of
from tests.support.captured_sql import CapturedSql, captured
from tests.support.factories import PASSWORD, make_plan, make_role, make_user
from tests.support.links import query_of, tokens_to
from tests.support.mailbox import letters_to
from tests.support.orm import make, run_in_transaction

NEW = "new@example.com"
# For each table, the one whose row is locked, or inserted, before a row of it is written.
GUARD = {
    "users": "users",
    "users_groups": "auth_group",
    "invitation_roles": "auth_group",
    "auth_group": "auth_group",
    "role_scopes": "auth_group",
    "auth_group_permissions": "auth_group",
    "invitations": "invitations",
    "pending_registrations": "pending_registrations",
}


def unguarded_writes(sql: CapturedSql) -> list[str]:
    """Return the writes to a table whose guard was neither locked nor inserted before, in the same transaction."""
    found = []
    for one in sql.transactions:
        held: set[str] = set()
        for step in one.steps:
            verb, table = step.split()
            if verb == "lock" or (verb == "insert" and table == GUARD.get(table)):
                held.add(table)
            elif table in GUARD and GUARD[table] not in held:
                found.append(step)
    return found


async def change_everything(user: User) -> None:
    plan, role = await make(make_plan), await make(make_role, "keys:verify")
    await make(user.groups.add, await make(make_role))
    update = UserUpdate(email=NEW, username="x", full_name="x", plan=plan.name, is_active=False, roles=[role.name])
    await account_update().update(OPERATOR, user.pk, update)


async def change_own_address(user: User) -> None:
    owner = session_of(user.pk, recently_authenticated=True)
    await account_update().update(owner, user.pk, UserUpdate(email=NEW))
    (cancel,) = await tokens_to(user.email, "confirm_email_change", "cancel_link")
    (old,) = await tokens_to(user.email, "confirm_email_change")
    await email_change().confirm(old)
    await email_change().cancel(cancel)


async def confirm_own_address(user: User) -> None:
    owner = session_of(user.pk, recently_authenticated=True)
    await account_update().update(owner, user.pk, UserUpdate(email=NEW))
    for address, kind in ((user.email, "confirm_email_change"), (NEW, "confirm_new_email")):
        (token,) = await tokens_to(address, kind)
        await email_change().confirm(token, PASSWORD)


async def verify_address(user: User) -> None:
    await run_in_transaction(User.objects.update, email_verified_at=None)
    await email_verification().remind(user.pk)
    (token,) = await tokens_to(user.email, "verify_email")
    await email_verification().verify(token, PASSWORD)


async def delete_and_restore(user: User) -> None:
    await account_removal().delete(OPERATOR, user.pk)
    await account_removal().restore(OPERATOR, user.pk)


async def delete_and_erase(user: User) -> None:
    await run_in_transaction(User.objects.update, deleted_at=Now() - timedelta(days=31))
    async with transaction():
        due = await account_erasure().lock_due(user.pk)
        assert due is not None
        await account_erasure().erase(due)


async def sign_in_and_out(user: User) -> None:
    async with transaction():
        await account_credentials().record_login(user.pk, None, needs_verified_email=False)
        await account_credentials().set_password(user.pk, "!")
        await account_credentials().end_sessions(user.pk)
        await account_credentials().require_reauthentication(user.pk)
        await account_credentials().mark_email_verified(user.pk)


async def sign_up(_user: User) -> None:
    await registration().register(UserCreate(email=NEW, username="n", password=SecretStr(PASSWORD)), OPERATOR)


async def sign_up_and_confirm(_user: User) -> None:
    account = {"email": NEW, "username": "n", "full_name": ""}
    await confirmed_registration().request(account, await hash_password(PASSWORD))
    (token,) = await tokens_to(NEW, "confirm_registration")
    await confirmed_registration().confirm(RegistrationConfirm(token=SecretStr(token), password=SecretStr(PASSWORD)))


async def invite_and_sign_up(_user: User) -> None:
    role = await make(make_role, "keys:verify")
    colleague = InvitationCreate(email=NEW, is_staff=True, roles=[role.name])
    invited = await invitation_service().invite(OPERATOR, colleague)
    await invitation_service().resend(OPERATOR, invited.id)
    token = query_of((await make(letters_to, NEW))[-1].context["link"])["invitation"]
    new = UserCreate(email=NEW, username="n", password=SecretStr(PASSWORD), invitation=SecretStr(token))
    await registration().sign_up(new)


async def invite_and_revoke(_user: User) -> None:
    invited = await invitation_service().invite(OPERATOR, InvitationCreate(email=NEW))
    await invitation_service().revoke(OPERATOR, invited.id)


async def invite_and_register(_user: User) -> None:
    await invitation_service().invite(OPERATOR, InvitationCreate(email=NEW))
    async with transaction():
        await federated_registration().register(NEW, "")


async def change_roles(_user: User) -> None:
    whole = {"name": "helpers", "scopes": ["keys:verify"]}
    role = await role_service().create(OPERATOR, RoleCreate.model_validate(whole))
    await role_service().update(OPERATOR, role.id, RoleUpdate(name="others", scopes=[]))
    await role_service().delete(OPERATOR, role.id)


ACTS: list[Callable[[User], Awaitable[None]]] = [
    change_everything, change_own_address, confirm_own_address, verify_address, delete_and_restore, delete_and_erase,
    sign_in_and_out, sign_up, sign_up_and_confirm, invite_and_sign_up, invite_and_revoke, invite_and_register,
    change_roles,
]  # fmt: skip


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
async def test_rows_are_locked_before_they_are_written(act: Callable[[User], Awaitable[None]]):
    user = await make(make_user, PASSWORD, email_verified_at="2026-01-01T00:00:00Z")
    with captured() as sql:
        await act(user)
    assert sql.changes
    assert unguarded_writes(sql) == []


@pytest.mark.unit
def test_unguarded_write_is_found():
    lock, write = 'SELECT "users"."id" FROM "users" FOR NO KEY UPDATE OF "users"', 'UPDATE "users" SET "full_name" = $1'
    sql = CapturedSql()
    sql.statements = ["BEGIN", lock, write, "COMMIT", "BEGIN", write]
    assert unguarded_writes(sql) == ["update users"]
