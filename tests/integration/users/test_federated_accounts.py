"""Accounts whose address another provider has verified."""

import pytest

from apps.audit.models import AuditEvent
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict
from apps.credits.models import CreditBalance
from apps.users.dependencies import federated_registration
from apps.users.models import User
from tests.support.factories import make_user
from tests.support.orm import make, rows

pytestmark = pytest.mark.usefixtures("database")


async def register(email: str, full_name: str = "") -> User:
    async with transaction():
        user_id = await federated_registration().register(email, full_name)
    (user,) = await rows(User.objects.select_related("plan").filter(pk=user_id))
    return user


async def test_creates_an_account_with_a_verified_address_and_without_a_password():
    user = await register("ann@example.com", "  Ann\r\n\x00 Hand ")
    assert (user.email, user.username, user.full_name, user.plan.name) == ("ann@example.com", "ann", "Ann Hand", "free")
    assert user.email_verified_at is not None
    assert not user.has_usable_password()
    assert len(await rows(CreditBalance.objects.filter(pk=user.pk))) == 1
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.action, event.actor_id, event.target_id) == ("user.created", user.pk, user.pk)


async def test_taken_user_name_gets_a_suffix():
    await make(make_user, username="ANN")
    first, second = await register("ann@example.com"), await register("ann@example.org")
    assert first.username != second.username
    assert all(user.username.startswith("ann-") for user in (first, second))


async def test_taken_address_creates_no_account_and_leaves_the_transaction_usable():
    await make(make_user, email="ann@example.com")
    async with transaction():
        with pytest.raises(Conflict):
            await federated_registration().register("ANN@example.com", "")
        await federated_registration().register("bob@example.com", "")
    assert sorted(user.email for user in await rows(User.objects.all())) == ["ann@example.com", "bob@example.com"]
    assert len(await rows(AuditEvent.objects.all())) == 1
