"""The base of services for entities of accounts: reading, listing and deleting, for owners and for staff."""

from typing import Any

import pytest

from apps.core.authorization.catalogue import ACCOUNT_READ, CUSTOMERS_READ, CUSTOMERS_WRITE
from apps.core.database.open_transaction import require_transaction
from apps.core.errors import InsufficientScopes, NotAllowed, NotFound
from apps.core.schemas.page import PageQuery
from apps.identities.models import Identity
from apps.identities.repositories.identity_repository import IdentityRepository
from apps.identities.schemas.identity import IdentityOut
from apps.users.services.owned_service import OwnedService
from apps.users.services.user_service import UserService
from tests.support.callers import key_of, session_of, staff_of
from tests.support.fakes import LONG_AGO, FakeAccounts, FakeAudit, FakeUsers, unsaved_user

pytestmark = pytest.mark.unit

ME, OTHER, STAFF = 1, 2, 3
MINE = 10


class FakeIdentities(IdentityRepository):
    """One identity of ME, and the ids that were deleted."""

    def __init__(self) -> None:
        self.row = Identity(pk=MINE, user_id=ME, provider="google", subject="123", created_at=LONG_AGO)
        self.deleted: list[int] = []

    async def get(self, row_id: int) -> Identity:
        if row_id != MINE:
            raise NotFound
        return self.row

    async def lock(self, row_id: int) -> Identity:
        require_transaction("lock an identity")
        return await self.get(row_id)

    async def page(self, user_id: int, *, offset: int, size: int) -> tuple[list[Identity], int]:
        found = [self.row] if user_id == ME else []
        return found[offset : offset + size], len(found)

    async def delete(self, row: Identity) -> None:
        require_transaction("delete an identity")
        self.deleted.append(row.pk)


class Identities(OwnedService[Identity, IdentityOut]):
    out = IdentityOut
    recorded_fields = ("provider",)


class Scene:
    def __init__(self) -> None:
        users: Any = FakeUsers(unsaved_user(ME), unsaved_user(OTHER), unsaved_user(STAFF, is_staff=True))
        self.rows, self.accounts, self.audit = FakeIdentities(), FakeAccounts(users), FakeAudit()
        trail: Any = self.audit
        self.service = Identities(self.rows, UserService(users), self.accounts, trail)


@pytest.mark.parametrize("actor", [session_of(ME), key_of(ME, ACCOUNT_READ), staff_of(STAFF, CUSTOMERS_READ)])
async def test_owner_and_staff_read(actor):
    scene = Scene()
    assert (await scene.service.get(actor, MINE)).provider == "google"
    page = await scene.service.page(actor, ME, PageQuery())
    assert ([row.id for row in page.items], page.total) == ([MINE], 1)


async def test_others_do_not_read():
    service = Scene().service
    with pytest.raises(NotAllowed):
        await service.get(session_of(OTHER), MINE)
    with pytest.raises(NotAllowed):
        await service.page(session_of(OTHER), ME, PageQuery())
    for actor in (key_of(ME), staff_of(STAFF)):
        with pytest.raises(InsufficientScopes):
            await service.get(actor, MINE)
        with pytest.raises(InsufficientScopes):
            await service.page(actor, ME, PageQuery())
    with pytest.raises(NotFound):
        await service.get(session_of(ME), 11)


@pytest.mark.parametrize("actor", [session_of(ME), staff_of(STAFF, CUSTOMERS_WRITE)])
async def test_deletion_locks_the_account_and_is_recorded(actor):
    scene = Scene()
    await scene.service.delete(actor, MINE)
    assert (scene.accounts.locked, scene.rows.deleted) == ([ME], [MINE])
    (entry,) = scene.audit.entries
    assert (entry.action, entry.target_id, entry.subject_id) == ("identity.deleted", MINE, ME)
    assert entry.before == {"provider": "google"}


@pytest.mark.parametrize(
    ("actor", "error"),
    [(session_of(OTHER), NotAllowed), (key_of(ME), InsufficientScopes), (staff_of(STAFF), InsufficientScopes)],
)
async def test_deletion_is_refused_without_the_right(actor, error):
    scene = Scene()
    with pytest.raises(error):
        await scene.service.delete(actor, MINE)
    assert (scene.rows.deleted, scene.audit.entries) == ([], [])
