"""Migrating keys: the former scopes of Keyhouse are renamed, and no key gets a right that it did not have."""

import pytest
from django.core.management import call_command

from apps.api_keys.models import ApiKey
from apps.audit.models import AuditEvent
from apps.core.authorization.catalogue import ACCOUNT_READ, ACCOUNT_WRITE, CUSTOMERS_NOTE, STAFF_SCOPES
from apps.users.models import User
from tests.support.factories import make_bare_key, make_staff, make_user

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("database")]

BEFORE = ("api_keys", "20261125_1827_roles_for_owners_of_keys")
ACCOUNT = {ACCOUNT_READ, ACCOUNT_WRITE}
STAFF = STAFF_SCOPES - {CUSTOMERS_NOTE}  # which is younger than the migration


def migrated(user: User, *scopes: str) -> set[str]:
    """Return the scopes of a key after the migration."""
    key = make_bare_key(user, scopes=list(scopes))
    try:
        call_command("migrate", *BEFORE, verbosity=0)
        ApiKey.objects.filter(pk=key.id).update(scopes=list(scopes))
    finally:
        call_command("migrate", verbosity=0)
    after = ApiKey.objects.get(pk=key.id).scopes
    assert len(set(after)) == len(after)
    return set(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["a", "keyhouse:account", "b:*"], {"a", "b:*", *ACCOUNT}),
        (["keyhouse:*"], ACCOUNT),
        (["a", "keys:verify"], {"a", "keys:verify"}),
        (["customers:read", "a", "audit:read"], {"a"}),  # they would be rights of an owner who becomes staff
        ([ACCOUNT_WRITE, ACCOUNT_READ, "a"], {"a"}),
        ([], set()),
    ],
)
def test_keys_of_customers(before, after):
    assert migrated(make_user(), *before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["keyhouse:staff", "a"], {"a", *STAFF}),
        (["keyhouse:*"], {*ACCOUNT, *STAFF}),
        (["keyhouse:account"], ACCOUNT),
        (["customers:read", "a"], {"a"}),
    ],
)
def test_keys_of_staff(before, after):
    assert migrated(make_staff(), *before) == after


def test_changes_are_recorded_and_reversed():
    user = make_staff()
    assert migrated(user, "a", "keyhouse:account", "keyhouse:staff") == {"a", *ACCOUNT, *STAFF}
    event = AuditEvent.objects.filter(action="api_key.updated").latest("id")
    assert (event.subject_id, event.before) == (user.pk, {"scopes": ["a", "keyhouse:account", "keyhouse:staff"]})
    try:
        call_command("migrate", *BEFORE, verbosity=0)
        (scopes,) = ApiKey.objects.values_list("scopes", flat=True)
        assert scopes == ["a", "keyhouse:account", "keyhouse:staff"]
    finally:
        call_command("migrate", verbosity=0)


@pytest.mark.parametrize(
    ("flags", "scopes", "roles"),
    [
        ({}, ["keys:verify"], ["service"]),
        ({}, ["keys:*", "credits:hold"], ["credit-service", "service"]),
        ({"is_superuser": True}, ["keys:verify"], []),
        ({}, ["a"], []),
    ],
)
def test_staff_keep_the_service_scopes_of_their_keys(flags, scopes, roles):
    user = make_staff(**{"is_superuser": False, **flags})
    migrated(user, *scopes)
    assert sorted(user.groups.values_list("name", flat=True)) == roles
