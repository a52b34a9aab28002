"""Who deletes and restores accounts."""

from typing import Any

import pytest

from apps.core.authorization.principal import OPERATOR
from apps.core.authorization.scopes import ACCOUNT_WRITE
from apps.core.errors import Conflict, InsufficientScopes, NotAllowed, StepUpRequired
from apps.users.services.account_removal import AccountRemoval
from tests.support.callers import key_of, session_of, staff_of
from tests.support.fakes import FakeUsers, unsaved_user

pytestmark = pytest.mark.unit

ME, OTHER, COLLEAGUE = 1, 2, 3


class FakeDeleted:
    """Deleted accounts, of which one is a colleague's."""

    def __init__(self) -> None:
        self.restored: list[int] = []

    async def restore(self, user_id: int, _audit: Any, guard: Any) -> Any:
        user = unsaved_user(user_id, is_staff=user_id == COLLEAGUE)
        guard(user)
        self.restored.append(user_id)
        return user


@pytest.fixture
def users():
    return FakeUsers(unsaved_user(ME), unsaved_user(OTHER), unsaved_user(COLLEAGUE, is_staff=True))


@pytest.fixture
def deleted():
    return FakeDeleted()


@pytest.fixture
def removal(users: Any, deleted: Any) -> AccountRemoval:
    nothing: Any = None
    return AccountRemoval(users, deleted, nothing, nothing, nothing)


@pytest.mark.parametrize(
    ("actor", "user_id"), [(session_of(ME, recently_authenticated=True), ME), (staff_of(5), ME), (OPERATOR, COLLEAGUE)]
)
async def test_deletes_softly(removal, users, actor, user_id):
    await removal.delete(actor, user_id)
    _, target_id, changes, audit = users.calls[0]
    assert (target_id, changes["is_active"], audit.action) == (user_id, False, "user.deleted")
    assert changes["deleted_at"] is not None


@pytest.mark.parametrize(
    ("actor", "user_id", "error"),
    [
        (session_of(ME), ME, StepUpRequired),
        (session_of(ME, recently_authenticated=True), OTHER, NotAllowed),
        (key_of(ME), ME, InsufficientScopes),
        (key_of(ME, ACCOUNT_WRITE), ME, NotAllowed),
        (staff_of(5), COLLEAGUE, NotAllowed),
        (session_of(COLLEAGUE, is_staff=True, is_superuser=True, recently_authenticated=True), COLLEAGUE, Conflict),
    ],
)
async def test_refuses_to_delete(removal, users, actor, user_id, error):
    with pytest.raises(error):
        await removal.delete(actor, user_id)
    assert users.calls == []


async def test_staff_restore(removal, deleted):
    assert (await removal.restore(staff_of(5), ME)).id == ME
    await removal.restore(staff_of(5, is_superuser=True), COLLEAGUE)
    assert deleted.restored == [ME, COLLEAGUE]


@pytest.mark.parametrize(
    ("actor", "user_id"), [(session_of(ME), ME), (key_of(ME, ACCOUNT_WRITE), ME), (staff_of(5), COLLEAGUE)]
)
async def test_refuses_to_restore(removal, deleted, actor, user_id):
    with pytest.raises(NotAllowed):
        await removal.restore(actor, user_id)
    assert deleted.restored == []
