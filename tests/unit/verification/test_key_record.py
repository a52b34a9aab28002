"""The scopes of a loaded key are those that its owner holds."""

import pytest

from apps.core.authorization.scopes import RESERVED_SCOPES
from apps.verification.domain import KeyRecord
from apps.verification.services.key_authentication import principal_of
from tests.unit.verification.records import record

pytestmark = pytest.mark.unit


def loaded(*scopes: str, role_scopes: list[str] | None, **owner: bool) -> KeyRecord:
    return record(scopes=list(scopes), role_scopes=role_scopes, **owner)


@pytest.mark.parametrize(
    ("scopes", "role_scopes", "effective"),
    [
        (["a:*", "keys:verify"], ["keys:verify"], ["a:*", "keys:verify"]),
        (["a:*", "keys:verify"], [], ["a:*"]),
        (["keys:*"], ["keys:verify", "credits:hold"], ["keys:*", "keys:verify"]),
        (["keys:*"], ["credits:hold"], ["keys:*"]),
        (["account:*"], [], ["account:*"]),
        (["account:read", "account:write"], [], ["account:read", "account:write"]),
        (["customers:read"], ["customers:read"], []),
        (["a"], None, ["a"]),
    ],
)
def test_scopes_that_the_owner_does_not_hold_are_not_in_effect(
    scopes: list[str], role_scopes: list[str] | None, effective: list[str]
):
    key = loaded(*scopes, role_scopes=role_scopes)
    assert key.scopes == tuple(effective)
    assert principal_of(key).scopes == frozenset(effective)
    assert principal_of(key).roles == frozenset()


def test_a_key_of_staff_has_the_scopes_that_its_owner_s_roles_give():
    scopes = ["customers:read", "customers:write"]
    assert loaded(*scopes, role_scopes=["customers:read"], owner_is_staff=True).scopes == ("customers:read",)
    assert loaded(*scopes, role_scopes=[], owner_is_staff=True).scopes == ()


def test_a_key_of_a_superuser_has_all_its_scopes():
    every = sorted(RESERVED_SCOPES)
    assert loaded(*every, role_scopes=[], owner_is_staff=True, owner_is_superuser=True).scopes == tuple(every)
    assert loaded("customers:read", role_scopes=[], owner_is_superuser=True).scopes == ()
