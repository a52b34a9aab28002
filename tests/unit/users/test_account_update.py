"""Who may change accounts, and what follows from a change."""

from dataclasses import replace
from typing import Any

import pytest

from apps.core.authorization.catalogue import (
    ACCOUNT_WRITE,
    CREDITS_GRANT,
    CUSTOMERS_READ,
    CUSTOMERS_SUSPEND,
    CUSTOMERS_WRITE,
    KEYS_READ,
    RESERVED_SCOPES,
    STAFF_MANAGE,
)
from apps.core.authorization.principal import OPERATOR
from apps.core.database.open_transaction import require_transaction
from apps.core.errors import Conflict, InsufficientScopes, NotAllowed, StepUpRequired, ValidationFailed
from apps.users.models import User
from apps.users.schemas.user import UserAdministration, UserUpdate
from apps.users.services.account_update import AccountUpdate
from tests.support.callers import key_of, session_of, staff_of
from tests.support.fakes import FakeAudit, FakeUsers, unsaved_user

pytestmark = pytest.mark.unit

ME, OTHER, COLLEAGUE = 1, 2, 3


class FakePlans:
    """One plan besides the free one."""

    async def id_of(self, name: str) -> int:
        if name != "pro":
            raise ValidationFailed.of("plan", "No plan has this name.")
        return 22


class FakeRoles:
    """Accounts that had the role `old` and get others, which are named as the scope that each gives."""

    def __init__(self, users: FakeUsers) -> None:
        self.users = users
        self.assigned: list[tuple[int, list[str]]] = []

    async def assign(self, user_id: int, names: list[str]) -> list[str]:
        require_transaction("assign roles")
        self.assigned.append((user_id, names))
        vars(self.users.users[user_id])["role_scopes"] = names
        return ["old"]


class FakeEmailChanges:
    """Changes of addresses that owners have begun and staff have completed."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, str]] = []
        self.completed: list[tuple[int, str]] = []

    async def begin(self, _actor: Any, user: User, email: str) -> None:
        require_transaction("begin a change")
        self.begun.append((user.pk, email))

    async def complete_by_staff(self, _actor: Any, user: User, email: str) -> None:
        require_transaction("complete a change")
        self.completed.append((user.pk, email))


@pytest.fixture
def users():
    return FakeUsers(unsaved_user(ME), unsaved_user(OTHER), unsaved_user(COLLEAGUE, is_staff=True))


@pytest.fixture
def roles(users):
    return FakeRoles(users)


@pytest.fixture
def email_changes():
    return FakeEmailChanges()


@pytest.fixture
def audit():
    return FakeAudit()


class FakeMessages:
    """Messages to owners, and the changes that they are about."""

    def __init__(self) -> None:
        self.told: list[tuple[int, str, dict[str, Any]]] = []

    async def tell(self, user: User, update: UserUpdate, changed: dict[str, Any]) -> None:
        require_transaction("enqueue a message")
        self.told.append((user.pk, update.message, changed))


@pytest.fixture
def messages():
    return FakeMessages()


@pytest.fixture
def service(users: Any, roles: Any, email_changes: Any, messages: Any, audit: Any) -> AccountUpdate:
    plans: Any = FakePlans()
    return AccountUpdate(users, plans, roles, email_changes, email_changes, messages=messages, audit=audit)


def written(users: FakeUsers) -> list[dict[str, Any]]:
    return [columns for _, _, columns, _ in users.calls]


async def test_owner_changes_their_account(service, users, audit):
    await service.update(session_of(ME), ME, UserUpdate(full_name="Ann"))
    assert users.calls == [("update", ME, {"full_name": "Ann"}, False)]
    (entry,) = audit.entries
    assert (entry.action, entry.target_id, entry.before, entry.after) == (
        "user.updated", ME, {"full_name": ""}, {"full_name": "Ann"},
    )  # fmt: skip


async def test_plan_is_set_by_its_name(service, users):
    await service.update(staff_of(COLLEAGUE, CUSTOMERS_WRITE), ME, UserUpdate(plan="pro"))
    assert written(users) == [{"plan_id": 22}]


async def test_message_is_about_what_has_changed(service, messages):
    update = UserUpdate(plan="pro", is_active=True, message="Welcome")
    await service.update(staff_of(COLLEAGUE, CUSTOMERS_WRITE, CUSTOMERS_SUSPEND), ME, update)
    assert messages.told == [(ME, "Welcome", {"plan_id": 22})]


async def test_owner_s_new_address_waits_and_nothing_is_written(service, users, email_changes, audit):
    await service.update(session_of(ME, recently_authenticated=True), ME, UserUpdate(email="new@example.com"))
    assert (email_changes.begun, email_changes.completed) == ([(ME, "new@example.com")], [])
    assert users.calls == audit.entries == []


@pytest.mark.parametrize(
    ("email", "columns"),
    [
        ("new@example.com", {"email": "new@example.com", "email_verified_at": None, "formerly_verified_at": None}),
        ("User1@example.com", {"email": "User1@example.com"}),
    ],
)
async def test_staff_replace_an_address_which_is_unverified_unless_only_its_case_changes(
    service, users, email_changes, email, columns
):
    await service.update(staff_of(5, CUSTOMERS_WRITE, recently_authenticated=True), ME, UserUpdate(email=email))
    assert (written(users), email_changes.begun, email_changes.completed) == ([columns], [], [(ME, email)])


@pytest.mark.parametrize(
    ("user_id", "update", "ends"),
    [
        (ME, {"is_active": False}, True),
        (ME, {"is_active": True}, False),
        (COLLEAGUE, {"is_staff": False}, True),
        (ME, {"is_staff": False}, False),
        (ME, {"full_name": "x"}, False),
    ],
)
async def test_sessions_end_with_access(service, users, user_id, update, ends):
    await service.update(OPERATOR, user_id, UserAdministration(**update))
    assert users.calls == [("update", user_id, update, ends)]


@pytest.mark.parametrize(
    ("actor", "user_id", "update", "error"),
    [
        (session_of(ME), OTHER, {"full_name": "x"}, NotAllowed),
        (session_of(ME), ME, {"plan": "pro"}, NotAllowed),
        (session_of(ME), ME, {"is_active": True}, NotAllowed),
        (session_of(ME), ME, {"roles": ["service"]}, NotAllowed),
        (session_of(ME, is_superuser=True, recently_authenticated=True), ME, {"roles": ["service"]}, NotAllowed),
        (session_of(ME, is_superuser=True), ME, {"plan": "pro"}, NotAllowed),
        (staff_of(COLLEAGUE, CUSTOMERS_WRITE), ME, {"roles": []}, InsufficientScopes),
        (staff_of(COLLEAGUE, CUSTOMERS_WRITE), ME, {"is_active": False}, InsufficientScopes),
        (staff_of(COLLEAGUE, CUSTOMERS_SUSPEND), ME, {"is_active": False, "full_name": "x"}, InsufficientScopes),
        (staff_of(COLLEAGUE, CUSTOMERS_READ, STAFF_MANAGE), ME, {}, InsufficientScopes),
        (
            staff_of(COLLEAGUE, STAFF_MANAGE, recently_authenticated=True),
            COLLEAGUE,
            {"roles": [STAFF_MANAGE]},
            NotAllowed,
        ),
        (key_of(COLLEAGUE, ACCOUNT_WRITE, STAFF_MANAGE, is_staff=True), ME, {"roles": []}, NotAllowed),
        (key_of(ME), ME, {"full_name": "x"}, InsufficientScopes),
        (key_of(ME, ACCOUNT_WRITE), ME, {"plan": "pro"}, NotAllowed),
        (key_of(COLLEAGUE, ACCOUNT_WRITE, is_staff=True), OTHER, {"full_name": "x"}, InsufficientScopes),
        (staff_of(5, CUSTOMERS_WRITE), COLLEAGUE, {"full_name": "x"}, InsufficientScopes),
        (staff_of(COLLEAGUE, CUSTOMERS_WRITE), ME, {"plan": "none"}, ValidationFailed),
        (staff_of(COLLEAGUE, CUSTOMERS_SUSPEND), COLLEAGUE, {"is_active": False}, Conflict),
        (staff_of(COLLEAGUE, is_superuser=True), COLLEAGUE, {"is_active": False, "full_name": "x"}, Conflict),
    ],
)
async def test_refuses_to_change(service, users, audit, actor, user_id, update, error):
    with pytest.raises(error):
        await service.update(actor, user_id, UserUpdate(**update))
    assert users.calls == audit.entries == []


async def test_another_member_of_staff_is_changed_by_those_who_manage_staff(service, users):
    await service.update(staff_of(5, CUSTOMERS_WRITE, STAFF_MANAGE), COLLEAGUE, UserUpdate(full_name="x"))
    await service.update(staff_of(COLLEAGUE), COLLEAGUE, UserUpdate(full_name="y"))
    assert written(users) == [{"full_name": "x"}, {"full_name": "y"}]


@pytest.mark.parametrize("boss", [staff_of(5, is_superuser=True), staff_of(5, STAFF_MANAGE, "a", "b")])
async def test_roles_are_given(service, roles, audit, boss):
    boss = replace(boss, recently_authenticated=True)
    await service.update(boss, ME, UserUpdate(roles=["b", "a", "b"]))
    assert roles.assigned == [(ME, ["a", "b"])]
    assert [(entry.before, entry.after) for entry in audit.entries] == [({"roles": ["old"]}, {"roles": ["a", "b"]})]


@pytest.mark.parametrize("change", [{"email": "a@example.com"}, {"roles": []}, {"is_staff": True}])
@pytest.mark.parametrize(
    ("actor", "error"),
    [
        (staff_of(5, is_superuser=True), StepUpRequired),
        (key_of(5, *RESERVED_SCOPES, is_staff=True), NotAllowed),
        (key_of(5, *RESERVED_SCOPES, is_staff=True, recently_authenticated=True), NotAllowed),
    ],
)
async def test_giving_access_needs_a_recent_authentication(service, users, roles, change, actor, error):
    with pytest.raises(error):
        await service.update(actor, OTHER, UserAdministration(**change))
    assert users.calls == roles.assigned == []


async def test_nobody_gives_scopes_that_they_lack(service, audit, users):
    actor = staff_of(5, STAFF_MANAGE, KEYS_READ, recently_authenticated=True)
    await service.update(actor, COLLEAGUE, UserUpdate(roles=[KEYS_READ]))
    assert len(audit.entries) == 1
    with pytest.raises(NotAllowed, match=CREDITS_GRANT):
        await service.update(actor, COLLEAGUE, UserUpdate(roles=[CREDITS_GRANT, KEYS_READ]))


async def test_operator_needs_no_recent_authentication(service, roles):
    await service.update(OPERATOR, ME, UserUpdate(roles=["a"]))
    assert roles.assigned == [(ME, ["a"])]
