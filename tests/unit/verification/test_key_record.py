"""The scopes of a loaded key are those that its owner holds."""

import pytest

from apps.core.authorization.scopes import RESERVED_SCOPES
from apps.verification.domain import KeyRecord
from apps.verification.services.key_authentication import principal_of
from tests.unit.verification.records import record

pytestmark = pytest.mark.unit


def loaded(*scopes: str, role_scopes: list[str] | None, is_staff: bool = False) -> KeyRecord:
    return KeyRecord.of(record(scopes=list(scopes), role_scopes=role_scopes, owner_is_staff=is_staff))


@pytest.mark.parametrize(
    ("scopes", "role_scopes", "effective"),
    [
        (["a:*", "keys:verify"], ["keys:verify"], ["a:*", "keys:verify"]),
        (["a:*", "keys:verify"], [], ["a:*"]),
        (["keys:*"], ["keys:verify", "credits:hold"], ["keys:*", "keys:verify"]),
        (["keys:*"], ["credits:hold"], ["keys:*"]),
        (["keyhouse:*"], [], ["keyhouse:*", "keyhouse:account"]),
        (["keyhouse:staff"], ["keyhouse:staff"], []),
        (["a"], None, ["a"]),
    ],
)
def test_scopes_that_the_owner_does_not_hold_are_not_in_effect(
    scopes: list[str], role_scopes: list[str] | None, effective: list[str]
):
    key = loaded(*scopes, role_scopes=role_scopes)
    assert key.scopes == effective
    assert principal_of(key).scopes == frozenset(effective)
    assert principal_of(key).roles == frozenset()


def test_a_key_of_staff_has_all_its_scopes():
    assert loaded(*sorted(RESERVED_SCOPES), role_scopes=[], is_staff=True).scopes == sorted(RESERVED_SCOPES)
    assert loaded("keyhouse:*", role_scopes=[], is_staff=True).scopes == [
        "keyhouse:*",
        "keyhouse:account",
        "keyhouse:staff",
    ]
