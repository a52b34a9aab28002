"""Who may read accounts, and change what belongs to them."""

from typing import Any

import pytest

from apps.core.authorization.catalogue import (
    ACCOUNT_READ,
    ACCOUNT_WRITE,
    CREDITS_GRANT,
    CUSTOMERS_READ,
    EVERYONES_SCOPES,
    KEYS_READ,
    KEYS_VERIFY,
    KEYS_WRITE,
    RESERVED_SCOPES,
    STAFF_MANAGE,
)
from apps.core.authorization.principal import OPERATOR
from apps.core.errors import NotAllowed, NotFound
from apps.users.schemas.user import UserQuery
from apps.users.services.user_service import UserService
from tests.support.callers import key_of, session_of, staff_of
from tests.support.fakes import FakeUsers, unsaved_user

pytestmark = pytest.mark.unit

ME, OTHER, COLLEAGUE, BOSS, MISSING = 1, 2, 3, 4, 404


@pytest.fixture
def users():
    colleague = unsaved_user(COLLEAGUE, is_staff=True, role_scopes=[CREDITS_GRANT])
    boss = unsaved_user(BOSS, is_staff=True, is_superuser=True)
    return FakeUsers(unsaved_user(ME), unsaved_user(OTHER), colleague, boss)


@pytest.fixture
def service(users: Any) -> UserService:
    return UserService(users)


@pytest.mark.parametrize(
    ("actor", "seen"),
    [
        (session_of(ME), {ME}),
        (key_of(ME), set()),
        (key_of(ME, ACCOUNT_READ), {ME}),
        (staff_of(COLLEAGUE), {COLLEAGUE}),
        (staff_of(COLLEAGUE, CUSTOMERS_READ), {ME, OTHER, COLLEAGUE}),
        (key_of(COLLEAGUE, is_staff=True), set()),
        (key_of(COLLEAGUE, CUSTOMERS_READ, is_staff=True), {ME, OTHER}),
        (OPERATOR, {ME, OTHER, COLLEAGUE}),
    ],
    ids=["session", "key", "reading key", "staff", "reading staff", "staff's key", "staff's reading key", "operator"],
)
async def test_who_reads_which_account(service, actor, seen):
    for user_id in (ME, OTHER, COLLEAGUE):
        if user_id in seen:
            assert (await service.get(actor, user_id)).id == user_id
        else:
            with pytest.raises(NotAllowed):
                await service.get(actor, user_id)


async def test_only_staff_get_not_found_for_a_missing_account(service):
    with pytest.raises(NotFound):
        await service.get(staff_of(COLLEAGUE, CUSTOMERS_READ), MISSING)
    with pytest.raises(NotAllowed):
        await service.get(session_of(ME), MISSING)


@pytest.mark.parametrize(
    ("actor", "only_id"),
    [
        (session_of(ME), ME),
        (key_of(ME, ACCOUNT_READ), ME),
        (staff_of(COLLEAGUE), COLLEAGUE),
        (staff_of(COLLEAGUE, CUSTOMERS_READ), None),
    ],
)
async def test_lists_the_accounts_that_the_caller_may_read(service, users, actor, only_id):
    await service.page(actor, UserQuery(page=2, size=5, search="a", is_active=True))
    assert users.calls == [("page", {"offset": 5, "size": 5, "search": "a", "is_active": True, "only_id": only_id})]


@pytest.mark.parametrize(
    ("fields", "held"),
    [
        ({}, EVERYONES_SCOPES),
        ({"role_scopes": [KEYS_VERIFY, "gone:scope"]}, EVERYONES_SCOPES | {KEYS_VERIFY}),
        ({"role_scopes": [CUSTOMERS_READ]}, EVERYONES_SCOPES),
        ({"is_staff": True}, EVERYONES_SCOPES),
        ({"is_staff": True, "role_scopes": [CUSTOMERS_READ]}, EVERYONES_SCOPES | {CUSTOMERS_READ}),
        ({"is_staff": True, "is_superuser": True}, RESERVED_SCOPES),
        ({"is_superuser": True}, EVERYONES_SCOPES),
    ],
)
async def test_scopes_that_an_account_holds(service, users, fields, held):
    users.users[ME] = unsaved_user(ME, **fields)
    assert await service.held_scopes(ME) == held
    assert await service.held_scopes(MISSING) == frozenset()


@pytest.mark.parametrize(
    ("actor", "user_id", "may"),
    [
        (session_of(ME), ME, True),
        (session_of(ME), OTHER, False),
        (key_of(ME, ACCOUNT_WRITE), ME, True),
        (key_of(ME), ME, False),
        (staff_of(5), OTHER, False),
        (staff_of(5, KEYS_READ), OTHER, False),
        (staff_of(5, KEYS_WRITE), OTHER, True),
        (staff_of(5, KEYS_WRITE), COLLEAGUE, False),
        (staff_of(5, KEYS_WRITE, STAFF_MANAGE), COLLEAGUE, False),  # who grants credits, which the actor does not
        (staff_of(5, KEYS_WRITE, STAFF_MANAGE, CREDITS_GRANT), COLLEAGUE, True),
        (key_of(5, KEYS_WRITE, STAFF_MANAGE, CREDITS_GRANT, is_staff=True), COLLEAGUE, True),
        (staff_of(COLLEAGUE), COLLEAGUE, True),
        (staff_of(5, is_superuser=True), COLLEAGUE, True),
        (staff_of(5, *RESERVED_SCOPES), BOSS, False),
        (staff_of(5, is_superuser=True), BOSS, True),
        (key_of(5, *RESERVED_SCOPES, is_staff=True), BOSS, False),
        (OPERATOR, BOSS, True),
    ],
)
async def test_who_may_change_what_belongs_to_an_account(service, actor, user_id, may):
    if may:
        await service.require_changeable(actor, user_id, KEYS_WRITE)
    else:
        with pytest.raises(NotAllowed):
            await service.require_changeable(actor, user_id, KEYS_WRITE)


async def test_credentials_by_address_and_by_id(service):
    by_address = await service.credentials_of("USER1@EXAMPLE.COM")
    assert by_address == await service.credentials(ME)
    assert await service.credentials_of("nobody@example.com") is None
    assert await service.id_of_email("user2@example.com") == OTHER
    for ask in (service.credentials(MISSING), service.id_of_email("nobody@example.com")):
        with pytest.raises(NotFound):
            await ask
