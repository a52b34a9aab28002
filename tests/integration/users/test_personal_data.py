"""What this app erases with an account."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from apps.audit.models import AuditEvent
from apps.core.database.transaction import transaction
from apps.users.dependencies import account_erasure, users_personal_data
from apps.users.models import Invitation, PendingRegistration, User
from tests.support.factories import make_user
from tests.support.orm import make, rows

pytestmark = pytest.mark.usefixtures("database")

ANN = "ann@example.com"


async def erase(user: User) -> None:
    async with transaction():
        due = await account_erasure().lock_due(user.pk)
        assert due is not None
        assert due.deleted_at is not None
        await users_personal_data().erase(due.pk)
        await users_personal_data().erase_address(due.email, due.deleted_at)
        await account_erasure().erase(due)


async def deleted(**fields: object) -> User:
    moment = Now() - timedelta(days=31)
    user: User = await make(make_user, email=ANN, deleted_at=moment, is_active=False, **fields)
    return user


async def invited(*, days_ago: int, **fields: object) -> Invitation:
    invitation: Invitation = await make(Invitation.objects.create, expires_at=Now(), **fields)
    moment = Now() - timedelta(days=days_ago)
    await make(Invitation.objects.filter(pk=invitation.pk).update, created_at=moment)
    return invitation


async def test_account_keeps_its_id_and_nothing_personal():
    user = await deleted(username="annie", full_name="Ann Hand", password="x", pending_email="new@example.com")
    await erase(user)
    (erased,) = await rows(User.objects.all())
    assert (erased.pk, erased.email, erased.username) == (
        user.pk,
        f"erased-{user.pk}@erased.invalid",
        f"erased-{user.pk}",
    )
    assert (erased.full_name, erased.pending_email, erased.last_login) == ("", "", None)
    assert (erased.has_usable_password(), erased.erased_at is not None) == (False, True)
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.action, event.actor_kind, event.target_id) == ("user.erased", "operator", user.pk)


async def test_invitations_lose_the_address_unless_they_were_sent_to_its_next_owner():
    user = await deleted()
    sent: list[dict[str, Any]] = [
        {"email": "earlier@example.com", "user_id": user.pk, "days_ago": 40},
        {"email": "Ann@Example.com", "days_ago": 40},
        {"email": ANN, "days_ago": 1},
        {"email": "bob@example.com", "days_ago": 40},
    ]
    for fields in sent:
        await invited(**fields)
    await erase(user)
    assert [invitation.email for invitation in await rows(Invitation.objects.order_by("id"))] == [
        f"erased-{user.pk}@erased.invalid", "erased@erased.invalid", ANN, "bob@example.com",
    ]  # fmt: skip


async def test_pending_registrations_of_the_address_are_deleted():
    user = await deleted()
    for email in ("Ann@example.com", "bob@example.com"):
        await make(PendingRegistration.objects.create, email=email, username="x", password="!")
    await erase(user)
    assert [row.email for row in await rows(PendingRegistration.objects.all())] == ["bob@example.com"]


@pytest.mark.parametrize("fields", [{"deleted_at": None}, {"deleted_at": Now()}, {"erased_at": Now()}])
async def test_account_that_is_not_due_is_not_locked(fields):
    user = await make(make_user, **{"deleted_at": Now() - timedelta(days=31), **fields})
    async with transaction():
        assert await account_erasure().lock_due(user.pk) is None
    assert await account_erasure().due(None) == []


async def test_due_accounts_come_in_the_order_of_their_deletion():
    users = [await make(make_user, deleted_at=Now() - timedelta(days=days)) for days in (31, 33, 32)]
    due = await account_erasure().due(None)
    assert [user.pk for user in due] == [users[1].pk, users[2].pk, users[0].pk]
    assert [user.pk for user in await account_erasure().due(due[0])] == [users[2].pk, users[0].pk]
