"""Each change of identities locks its account before it writes."""

import pytest
from django.db.models.functions import Now

from apps.identities.dependencies import account_linking, identity_service
from apps.identities.domain.provider import Profile
from apps.identities.models import Identity
from apps.users.models import User
from tests.support.callers import staff_of
from tests.support.captured_sql import CapturedSql, captured
from tests.support.factories import make_user
from tests.support.orm import make, rows

pytestmark = pytest.mark.usefixtures("database")

PROFILE = Profile("acme", "https://acme.example.com", "ann", "ann@example.com", is_verified=True, full_name="Ann")


def steps(sql: CapturedSql) -> list[str]:
    """Return the locks, and the writes of identities."""
    return [step for step in sql.steps if step.startswith("lock ") or step.endswith(" identities")]


async def test_linking_locks_the_account_of_the_address():
    await make(make_user, email=PROFILE.email, email_verified_at=Now())
    with captured() as sql:
        await account_linking().account_of(PROFILE)
    assert steps(sql) == ["lock users", "lock users", "insert identities", "update identities"]


async def test_signing_in_locks_the_account_of_the_identity():
    user_id = await account_linking().account_of(PROFILE)
    with captured() as sql:
        assert await account_linking().account_of(PROFILE) == user_id
    assert steps(sql) == ["lock users", "lock users", "update identities"]


async def test_taking_an_identity_from_a_deleted_account_locks_that_account_first():
    await account_linking().account_of(PROFILE)
    await make(User.objects.update, deleted_at=Now(), is_active=False)
    with captured() as sql:
        await account_linking().account_of(PROFILE)
    assert steps(sql)[:2] == ["lock users", "delete identities"]


async def test_unlinking_locks_the_account_then_the_identity():
    user = await make(make_user, email=PROFILE.email, email_verified_at=Now(), password="a long and quiet sentence")
    await account_linking().account_of(PROFILE)
    (identity,) = await rows(Identity.objects.all())
    with captured() as sql:
        await identity_service().unlink(staff_of(user.pk + 1, "security:write"), user.pk, identity.pk)
    assert steps(sql) == ["lock users", "lock identities", "delete identities"]
