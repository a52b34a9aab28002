"""What happens to accounts and roles in several transactions at the same time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from datetime import timedelta
from time import sleep
from typing import Any

import httpx
import pytest
from django.db import connection
from django.db.models.functions import Now

from apps.audit.dependencies import audit_trail
from apps.audit.models import AuditEvent
from apps.core.authorization.principal import OPERATOR
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict, DomainError, ValidationFailed
from apps.plans.services.plan_service import PlanService
from apps.users.dependencies import (
    account_credentials,
    account_erasure,
    account_update,
    accounts,
    invitation_service,
    role_service,
)
from apps.users.models import Invitation, Role, User
from apps.users.repositories.user_repository import UserRepository
from apps.users.schemas.invitation import InvitationCreate
from apps.users.schemas.role import RoleUpdate
from apps.users.schemas.user import UserUpdate
from apps.users.services.in_transaction.account_creation import AccountCreation
from tests.support.accounts import Account, superuser
from tests.support.factories import make_plan, make_role, make_user
from tests.support.orm import make, rows, run_in_transaction

pytestmark = pytest.mark.usefixtures("database")


@asynccontextmanager
async def while_locked(user: User, other: Awaitable[Any]) -> AsyncIterator[asyncio.Task[Any]]:
    """Lock the account, begin `other`, and run the block once it waits for a lock."""
    outside = copy_context()
    async with transaction():
        await UserRepository().lock(user.pk)
        task = _begin(other, outside)
        await run_in_transaction(_wait_until_locks_are_awaited)
        yield task


def _begin(other: Awaitable[Any], context: Context) -> asyncio.Task[Any]:
    async def whole() -> Any:
        return await other

    return asyncio.create_task(whole(), context=context)


def _wait_until_locks_are_awaited() -> None:
    with connection.cursor() as cursor:
        while not cursor.rowcount > 0:
            sleep(0.01)
            cursor.execute("SELECT FROM pg_locks WHERE NOT granted")


async def allowance_of(user: User) -> int | None:
    async with transaction():
        return await accounts().lock_key_allowance(user.pk)


async def test_account_whose_plan_changes_during_a_wait_for_its_lock_is_found():
    user, plan = await make(make_user), await make(make_plan, api_keys_maximum=7)
    async with while_locked(user, allowance_of(user)) as waiting:
        await UserRepository().update(user, {"plan_id": plan.pk})
    assert await waiting == 7


async def test_account_that_is_deleted_during_a_wait_for_its_lock_is_not_found():
    user = await make(make_user)
    async with while_locked(user, allowance_of(user)) as waiting:
        await UserRepository().update(user, {"deleted_at": user.created_at})
    with pytest.raises(DomainError) as refusal:
        await waiting
    assert refusal.value.code == "NOT_FOUND"


async def test_concurrent_changes_are_audited_in_their_order():
    user = await make(make_user, full_name="a")
    update = account_update().update(OPERATOR, user.pk, UserUpdate(full_name="c"))
    async with while_locked(user, update) as waiting:
        await UserRepository().update(user, {"full_name": "b"})
    await waiting
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.before, event.after) == ({"full_name": "b"}, {"full_name": "c"})


async def test_role_is_either_given_or_deleted():
    for _ in range(5):
        user, role = await make(make_user), await make(make_role)
        given, deleted = await asyncio.gather(
            account_update().update(OPERATOR, user.pk, UserUpdate(roles=[role.name])),
            role_service().delete(OPERATOR, role.pk),
            return_exceptions=True,
        )
        if isinstance(given, BaseException):
            assert (type(given), deleted) == (ValidationFailed, None)
        else:
            assert isinstance(deleted, Conflict)
        assert len(await rows(Role.objects.filter(pk=role.pk))) == isinstance(deleted, Conflict)
        assert len(await rows(Role.objects.filter(user=user))) == isinstance(deleted, Conflict)


async def test_concurrent_changes_of_a_role_are_audited_in_their_order():
    role = await make(make_role)
    scopes: tuple[list[str], ...] = (["keys:verify"], ["credits:hold"], [])
    await asyncio.gather(*(role_service().update(OPERATOR, role.pk, RoleUpdate(scopes=each)) for each in scopes))
    events = await rows(AuditEvent.objects.order_by("id"))
    states = [event.before["scopes"] for event in events] + [events[-1].after["scopes"]]
    assert states[0] == []
    assert [event.after["scopes"] for event in events] == states[1:]


@pytest.mark.parametrize("how", ["suspend", "delete"])
async def test_of_two_superusers_who_remove_each_other_one_stays(api: httpx.AsyncClient, how: str):
    for _ in range(5):
        one, other = await superuser(), await superuser()

        def remove(who: Account, by: Account) -> Awaitable[httpx.Response]:
            path = f"/api/v1/users/{who.id}"
            if how == "delete":
                return api.delete(path, headers=by.headers)
            return api.patch(path, json={"is_active": False}, headers=by.headers)

        answers = await asyncio.gather(remove(one, other), remove(other, one))
        assert sorted(answer.is_success for answer in answers) == [False, True], [each.text for each in answers]
        assert len(await rows(User.objects.filter(pk__in=[one.id, other.id], is_active=True))) == 1


async def test_account_that_another_transaction_is_erasing_is_skipped():
    user = await make(make_user, deleted_at=Now() - timedelta(days=31))
    outside = copy_context()

    async def lock() -> User | None:
        async with transaction():
            return await account_erasure().lock_due(user.pk)

    async with transaction():
        assert await account_erasure().lock_due(user.pk) is not None
        assert await _begin(lock(), outside) is None
    assert await lock() is not None


async def test_plan_that_is_deleted_while_an_invitation_is_sent_is_refused(monkeypatch: pytest.MonkeyPatch):
    async def id_of_a_plan_just_deleted(_self: PlanService, _name: str) -> int:
        return 2**40

    monkeypatch.setattr(PlanService, "id_of", id_of_a_plan_just_deleted)
    with pytest.raises(ValidationFailed):
        await invitation_service().invite(OPERATOR, InvitationCreate(email="ann@example.com", plan="pro"))
    assert await rows(Invitation.objects.all()) == []


async def test_longest_user_name_that_is_taken_gets_a_suffix_in_place_of_its_end():
    longest = "x" * 150
    await make(make_user, username=longest)
    account = {"email": "ann@example.com", "username": longest, "full_name": ""}
    async with transaction():
        user_id = await AccountCreation(UserRepository(), audit_trail()).create_verified(account, None)
    (user,) = await rows(User.objects.filter(pk=user_id))
    assert (len(user.username), user.username[:144]) == (150, f"{'x' * 143}-")


async def test_signing_in_and_out_leaves_updated_at_as_it_is():
    user = await make(make_user)
    async with transaction():
        assert not await account_credentials().record_login(user.pk, None, needs_verified_email=False)
        await account_credentials().end_sessions(user.pk)
        await account_credentials().require_reauthentication(user.pk)
    (stored,) = await rows(User.objects.filter(pk=user.pk))
    assert stored.updated_at == user.updated_at
    assert None not in (stored.last_login, stored.sessions_ended_at, stored.proofs_ended_at)
