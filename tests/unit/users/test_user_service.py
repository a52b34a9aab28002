"""What may be done with accounts, and by whom."""

from typing import Any

import pytest

from apps.core.authorization.principal import OPERATOR
from apps.core.authorization.scopes import ACCOUNT_WRITE, KEYS_VERIFY, RESERVED_SCOPES, STAFF
from apps.core.errors import Conflict, InsufficientScopes, NotAllowed, NotFound, StepUpRequired, ValidationFailed
from apps.users.schemas.user import UserAdministration, UserQuery, UserUpdate
from apps.users.services.user_service import UserService
from tests.support.callers import key_of, session_of, staff_of
from tests.support.fakes import NO_EMAIL_CHANGE, FakeUsers, unsaved_user

pytestmark = pytest.mark.unit

ME, OTHER, COLLEAGUE, MISSING = 1, 2, 3, 404


class FakePlans:
    """Knows one plan besides the free one."""

    async def id_of(self, name: str) -> int:
        if name != "pro":
            raise ValidationFailed.of("plan", "There is no plan of this name.")
        return 22


@pytest.fixture
def users():
    return FakeUsers(unsaved_user(ME), unsaved_user(OTHER), unsaved_user(COLLEAGUE, is_staff=True))


@pytest.fixture
def service(users: Any) -> UserService:
    plans: Any = FakePlans()
    return UserService(users, plans, NO_EMAIL_CHANGE)


@pytest.mark.parametrize(
    ("actor", "seen"),
    [
        (session_of(ME), {ME}),
        (key_of(ME), {ME}),
        (key_of(ME, STAFF), {ME}),
        (staff_of(COLLEAGUE), {ME, OTHER, COLLEAGUE}),
        (key_of(COLLEAGUE, is_staff=True), {COLLEAGUE}),
        (OPERATOR, {ME, OTHER, COLLEAGUE}),
    ],
    ids=["session", "key", "customer's key with staff scope", "staff", "staff's key", "operator"],
)
async def test_who_sees_whom(service, actor, seen):
    for user_id in (ME, OTHER, COLLEAGUE):
        if user_id in seen:
            assert (await service.get(actor, user_id)).id == user_id
        else:
            with pytest.raises(NotAllowed):
                await service.get(actor, user_id)


async def test_only_staff_learn_that_an_account_is_missing(service):
    with pytest.raises(NotFound):
        await service.get(staff_of(COLLEAGUE), MISSING)
    with pytest.raises(NotAllowed):
        await service.get(session_of(ME), MISSING)


@pytest.mark.parametrize(("actor", "only_id"), [(session_of(ME), ME), (key_of(ME), ME), (staff_of(COLLEAGUE), None)])
async def test_lists_what_the_caller_may_see(service, users, actor, only_id):
    await service.page(actor, UserQuery(page=2, size=5, search="a", is_active=True))
    assert users.calls == [("page", {"offset": 5, "size": 5, "search": "a", "is_active": True, "only_id": only_id})]


async def test_changes_one_s_own_account(service, users):
    await service.update(session_of(ME), ME, UserUpdate(full_name="Ann"))
    _, user_id, changes, audit = users.calls[0]
    assert (user_id, changes, audit.action) == (ME, {"full_name": "Ann"}, "user.updated")


async def test_a_plan_is_set_by_its_name(service, users):
    await service.update(staff_of(COLLEAGUE), ME, UserUpdate(plan="pro"))
    assert users.calls[0][2] == {"plan_id": 22}


@pytest.mark.parametrize(
    ("actor", "user_id", "update", "error"),
    [
        (session_of(ME), OTHER, {"full_name": "x"}, NotAllowed),
        (session_of(ME), ME, {"plan": "pro"}, NotAllowed),
        (session_of(ME), ME, {"is_active": True}, NotAllowed),
        (session_of(ME), ME, {"roles": ["service"]}, NotAllowed),
        (session_of(ME, is_superuser=True), ME, {"roles": ["service"]}, NotAllowed),
        (staff_of(COLLEAGUE), ME, {"roles": []}, NotAllowed),
        (staff_of(COLLEAGUE), COLLEAGUE, {"roles": ["service"]}, NotAllowed),
        (key_of(COLLEAGUE, ACCOUNT_WRITE, is_staff=True, is_superuser=True), COLLEAGUE, {"roles": []}, NotAllowed),
        (key_of(ME), ME, {"full_name": "x"}, InsufficientScopes),
        (key_of(ME, ACCOUNT_WRITE), ME, {"plan": "pro"}, NotAllowed),
        (key_of(ME, STAFF), OTHER, {"full_name": "x"}, NotAllowed),
        (key_of(COLLEAGUE, ACCOUNT_WRITE, is_staff=True), OTHER, {"full_name": "x"}, NotAllowed),
        (staff_of(5), COLLEAGUE, {"full_name": "x"}, NotAllowed),
        (staff_of(COLLEAGUE), ME, {"plan": "none"}, ValidationFailed),
        (staff_of(COLLEAGUE), COLLEAGUE, {"is_active": False}, Conflict),
        (staff_of(COLLEAGUE, is_superuser=True), COLLEAGUE, {"is_active": False, "full_name": "x"}, Conflict),
    ],
)
async def test_refuses_to_change(service, users, actor, user_id, update, error):
    with pytest.raises(error):
        await service.update(actor, user_id, UserUpdate(**update))
    assert users.calls == []


async def test_only_a_superuser_changes_another_member_of_staff(service, users):
    await service.update(staff_of(5, is_superuser=True), COLLEAGUE, UserUpdate(full_name="x"))
    await service.update(staff_of(COLLEAGUE), COLLEAGUE, UserUpdate(full_name="y"))
    assert [call[2] for call in users.calls] == [{"full_name": "x"}, {"full_name": "y"}]


@pytest.mark.parametrize(
    ("fields", "held"),
    [
        ({}, {ACCOUNT_WRITE}),
        ({"role_scopes": [KEYS_VERIFY, "gone:scope"]}, {ACCOUNT_WRITE, KEYS_VERIFY}),
        ({"is_staff": True}, RESERVED_SCOPES),
        ({"is_superuser": True}, {ACCOUNT_WRITE}),
    ],
)
async def test_what_an_account_holds(service, users, fields, held):
    users.users[ME] = unsaved_user(ME, **fields)
    assert await service.held_scopes(ME) == held
    assert await service.held_scopes(MISSING) == frozenset()


async def test_a_superuser_gives_roles(service, users):
    boss = staff_of(5, is_superuser=True, recently_authenticated=True)
    await service.update(boss, ME, UserUpdate(roles=["b", "a", "b"]))
    assert users.calls[0][2] == {"roles": ["a", "b"]}


@pytest.mark.parametrize("change", [{"email": "a@example.com"}, {"roles": []}, {"is_staff": True}])
@pytest.mark.parametrize(
    ("actor", "error"),
    [
        (staff_of(5, is_superuser=True), StepUpRequired),
        (key_of(5, STAFF, is_staff=True, is_superuser=True), NotAllowed),
        (key_of(5, STAFF, is_staff=True, is_superuser=True, recently_authenticated=True), NotAllowed),
    ],
)
async def test_only_people_who_have_just_proven_it_give_access(service, users, change, actor, error):
    with pytest.raises(error):
        await service.update(actor, OTHER, UserAdministration(**change))
    assert users.calls == []


async def test_an_operator_needs_no_proof(service, users):
    await service.update(OPERATOR, ME, UserUpdate(roles=["a"]))
    assert users.calls[0][2] == {"roles": ["a"]}


@pytest.mark.parametrize(
    ("actor", "user_id", "may"),
    [
        (session_of(ME), ME, True),
        (session_of(ME), OTHER, False),
        (key_of(ME, ACCOUNT_WRITE), ME, True),
        (key_of(ME), ME, False),
        (staff_of(5), OTHER, True),
        (staff_of(5), COLLEAGUE, False),
        (staff_of(COLLEAGUE), COLLEAGUE, True),
        (staff_of(5, is_superuser=True), COLLEAGUE, True),
        (OPERATOR, COLLEAGUE, True),
    ],
)
async def test_who_may_change_what_belongs_to_whom(service, actor, user_id, may):
    if may:
        await service.require_changeable(actor, user_id)
    else:
        with pytest.raises(NotAllowed):
            await service.require_changeable(actor, user_id)


async def test_credentials_by_address_and_by_id(service):
    by_address = await service.credentials_of("USER1@EXAMPLE.COM")
    assert by_address == await service.credentials(ME)
    assert await service.credentials_of("nobody@example.com") is None
    assert await service.id_of_email("user2@example.com") == OTHER
    for ask in (service.credentials(MISSING), service.id_of_email("nobody@example.com")):
        with pytest.raises(NotFound):
            await ask
