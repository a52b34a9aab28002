"""Who deletes and restores accounts."""

from typing import Any

import pytest

from apps.core.authorization.catalogue import ACCOUNT_WRITE, CUSTOMERS_WRITE, STAFF_MANAGE
from apps.core.authorization.principal import OPERATOR
from apps.core.database.open_transaction import require_transaction
from apps.core.errors import Conflict, InsufficientScopes, NotAllowed, StepUpRequired
from apps.mail.domain.message import MailMessage
from apps.users.models import User
from apps.users.services.account_removal import AccountRemoval
from tests.support.callers import key_of, session_of, staff_of
from tests.support.fakes import FakeAudit, FakeUsers, unsaved_user

pytestmark = pytest.mark.unit

ME, OTHER, COLLEAGUE = 1, 2, 3


class FakeDeleted:
    """Deleted accounts, one of which is a colleague's."""

    def __init__(self) -> None:
        self.restored: list[int] = []

    async def lock(self, user_id: int) -> User:
        require_transaction("lock an account")
        return unsaved_user(user_id, is_staff=user_id == COLLEAGUE)

    async def restore(self, user: User) -> None:
        require_transaction("restore an account")
        self.restored.append(user.pk)


class FakeBelongings:
    """The links and the messages of accounts, voided and enqueued inside a transaction."""

    def __init__(self) -> None:
        self.voided: list[int] = []
        self.messages: list[MailMessage] = []

    async def void_all(self, user_id: int) -> None:
        require_transaction("void links")
        self.voided.append(user_id)

    async def enqueue(self, message: MailMessage) -> None:
        require_transaction("enqueue a message")
        self.messages.append(message)


@pytest.fixture
def users():
    return FakeUsers(unsaved_user(ME), unsaved_user(OTHER), unsaved_user(COLLEAGUE, is_staff=True))


@pytest.fixture
def deleted():
    return FakeDeleted()


@pytest.fixture
def belongings():
    return FakeBelongings()


@pytest.fixture
def audit():
    return FakeAudit()


@pytest.fixture
def removal(users: Any, deleted: Any, belongings: Any, audit: Any) -> AccountRemoval:
    return AccountRemoval(users, deleted, belongings, belongings, audit)


@pytest.mark.parametrize(
    ("actor", "user_id"),
    [(session_of(ME, recently_authenticated=True), ME), (staff_of(5, CUSTOMERS_WRITE), ME), (OPERATOR, COLLEAGUE)],
)
async def test_deletes_softly(removal, users, belongings, audit, actor, user_id):
    await removal.delete(actor, user_id)
    ((_, target_id, changes, ends_sessions),) = users.calls
    assert (target_id, changes["is_active"], ends_sessions) == (user_id, False, True)
    assert changes["deleted_at"] is not None
    (entry,) = audit.entries
    assert (entry.action, entry.target_id, entry.before) == (
        "user.deleted", user_id, {"deleted_at": None, "is_active": True},
    )  # fmt: skip
    assert belongings.voided == [user_id]
    assert [(message.kind, message.user_id) for message in belongings.messages] == [("account_deleted", user_id)]


@pytest.mark.parametrize(
    ("actor", "told"), [(staff_of(5, CUSTOMERS_WRITE), "Farewell"), (session_of(ME, recently_authenticated=True), "")]
)
async def test_message_of_staff_is_sent_and_that_of_an_owner_is_not(removal, belongings, actor, told):
    await removal.delete(actor, ME, message="Farewell")
    assert [message.context["message"] for message in belongings.messages] == [told]


@pytest.mark.parametrize(
    ("actor", "user_id", "error"),
    [
        (session_of(ME), ME, StepUpRequired),
        (session_of(ME, recently_authenticated=True), OTHER, NotAllowed),
        (key_of(ME), ME, InsufficientScopes),
        (key_of(ME, ACCOUNT_WRITE), ME, NotAllowed),
        (staff_of(5), ME, InsufficientScopes),
        (staff_of(5, CUSTOMERS_WRITE), COLLEAGUE, InsufficientScopes),
        (session_of(COLLEAGUE, is_superuser=True, recently_authenticated=True), COLLEAGUE, Conflict),
    ],
)
async def test_refuses_to_delete(removal, users, belongings, audit, actor, user_id, error):
    with pytest.raises(error):
        await removal.delete(actor, user_id)
    assert users.calls == belongings.voided == belongings.messages == audit.entries == []


async def test_staff_restore(removal, users, deleted, audit):
    assert (await removal.restore(staff_of(5, CUSTOMERS_WRITE), ME)).id == ME
    with pytest.raises(StepUpRequired):
        await removal.restore(staff_of(5, CUSTOMERS_WRITE, STAFF_MANAGE), COLLEAGUE)
    await removal.restore(staff_of(5, CUSTOMERS_WRITE, STAFF_MANAGE, recently_authenticated=True), COLLEAGUE)
    assert deleted.restored == [ME, COLLEAGUE]
    assert [entry.action for entry in audit.entries] == ["user.restored"] * 2


@pytest.mark.parametrize(
    ("actor", "user_id"),
    [(session_of(ME), ME), (key_of(ME, ACCOUNT_WRITE), ME), (staff_of(5, CUSTOMERS_WRITE), COLLEAGUE)],
)
async def test_refuses_to_restore(removal, deleted, audit, actor, user_id):
    with pytest.raises(NotAllowed):
        await removal.restore(actor, user_id)
    assert deleted.restored == audit.entries == []
