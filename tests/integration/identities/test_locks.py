"""Each change of identities locks its account before it writes."""

import re

import pytest
from django.db.models.functions import Now

from apps.identities.dependencies import account_linking, identity_service
from apps.identities.domain.provider import Profile
from apps.identities.models import Identity
from apps.users.models import User
from tests.support.callers import staff_of
from tests.support.factories import make_user
from tests.support.locks_taken import sql_of_transactions
from tests.support.orm import make, rows

pytestmark = pytest.mark.usefixtures("database")

PROFILE = Profile("acme", "https://acme.example.com", "ann", "ann@example.com", is_verified=True, full_name="Ann")
LOCK = re.compile(r'FOR NO KEY UPDATE OF "(\w+)"')
WRITE = re.compile(r'(INSERT INTO|UPDATE|DELETE FROM) "identities"')


def steps(statements: list[str]) -> list[str]:
    """Return which tables were locked, and how identities were written, in order."""
    found = []
    for sql in statements:
        if lock := LOCK.search(sql):
            found.append(lock[1])
        elif write := WRITE.search(sql):
            found.append(write[1])
    return found


async def test_linking_locks_the_account_of_the_address():
    await make(make_user, email=PROFILE.email, email_verified_at=Now())
    with sql_of_transactions() as statements:
        await account_linking().account_of(PROFILE)
    assert steps(statements) == ["users", "users", "INSERT INTO", "UPDATE"]


async def test_signing_in_locks_the_account_of_the_identity():
    user_id = await account_linking().account_of(PROFILE)
    with sql_of_transactions() as statements:
        assert await account_linking().account_of(PROFILE) == user_id
    assert steps(statements) == ["users", "users", "UPDATE"]


async def test_taking_an_identity_from_a_deleted_account_locks_that_account_first():
    await account_linking().account_of(PROFILE)
    await make(User.objects.update, deleted_at=Now(), is_active=False)
    with sql_of_transactions() as statements:
        await account_linking().account_of(PROFILE)
    assert steps(statements)[:2] == ["users", "DELETE FROM"]


async def test_unlinking_locks_the_account_then_the_identity():
    user = await make(make_user, email=PROFILE.email, email_verified_at=Now(), password="a long and quiet sentence")
    await account_linking().account_of(PROFILE)
    (identity,) = await rows(Identity.objects.all())
    with sql_of_transactions() as statements:
        await identity_service().unlink(staff_of(user.pk + 1, "security:write"), user.pk, identity.pk)
    assert steps(statements) == ["users", "identities", "DELETE FROM"]
