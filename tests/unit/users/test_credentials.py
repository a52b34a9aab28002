"""The part of an account that signing in needs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.users.services.credentials import Credentials, is_usable
from tests.support.fakes import unsaved_user

pytestmark = pytest.mark.unit


def in_minutes(minutes):
    return timezone.now() + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("fields", "usable"),
    [
        ({}, True),
        ({"is_active": False}, False),
        ({"deleted_at": in_minutes(-1)}, False),
        ({"locked_until": in_minutes(60)}, False),
        ({"locked_until": in_minutes(-1)}, True),
        ({"email_verified_at": None}, True),
    ],
    ids=["plain", "inactive", "deleted", "locked", "lock over", "unverified"],
)
def test_is_usable(fields, usable):
    user = unsaved_user(**fields)
    assert is_usable(user) is usable
    assert Credentials.of(user).is_usable is usable


def test_hash_is_never_shown():
    credentials = Credentials.of(unsaved_user(4, password="argon2$secret-hash", full_name="Ann"))
    assert credentials.password_hash == "argon2$secret-hash"
    assert (credentials.user_id, credentials.email, credentials.full_name) == (4, "user4@example.com", "Ann")
    for shown in (repr(credentials), str(credentials), f"{credentials}", repr([credentials])):
        assert "secret-hash" not in shown


def test_account_never_shows_its_hash():
    user = unsaved_user(password="argon2$secret-hash")
    assert "secret-hash" not in repr(user) + str(user)
