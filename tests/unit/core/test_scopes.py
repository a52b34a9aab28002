"""Scopes and wildcards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.security.scopes import RESERVED_SCOPES, grants, missing_scopes, reserved_among

pytestmark = pytest.mark.unit

PARTS = st.text("abz09_.-", min_size=1, max_size=5)
SCOPES = st.lists(PARTS, min_size=1, max_size=4).map(":".join)


@pytest.mark.parametrize(
    ("granted", "wanted", "is_granted"),
    [
        (["a:b"], "a:b", True),
        (["a:*"], "a:b", True),
        (["a:*"], "a:b:c", True),
        (["a:b:*"], "a:b:c", True),
        (["a:*"], "a", False),
        (["a:*"], "ab:c", False),
        (["a:b:*"], "a:c", False),
        (["a:b"], "a:b:c", False),
        (["a"], "a:b", False),
        (["A:b"], "a:b", False),
        (["a:*"], "a:*", True),
        (["a:b"], "a:*", False),
        (["x", "a:b"], "a:b", True),
        ([], "a", False),
        (["*"], "a", False),
        ([":*"], "a", False),
    ],
)
def test_grants(granted, wanted, is_granted):
    assert grants(granted, wanted) is is_granted


@given(granted=SCOPES, more=SCOPES)
def test_a_wildcard_grants_all_below_its_area_and_nothing_beside_it(granted, more):
    assert grants([f"{granted}:*"], f"{granted}:{more}")
    assert not grants([f"{granted}:*"], f"{granted}{more}")
    assert not grants([f"{granted}:*"], granted)


@given(granted=st.lists(SCOPES), wanted=SCOPES)
def test_without_a_wildcard_only_the_scope_itself_is_granted(granted, wanted):
    assert grants(granted, wanted) is (wanted in granted)


def test_names_the_missing_scopes_in_the_order_they_were_asked_for():
    assert missing_scopes(["b", "c:*"], ["z", "b", "c:d", "a", "z"]) == ["z", "a", "z"]
    assert missing_scopes(iter(["a"]), iter(["a"])) == []


@pytest.mark.parametrize("scope", [*sorted(RESERVED_SCOPES), "keys:*", "credits:*", "keyhouse:*"])
def test_is_reserved(scope):
    assert reserved_among(["mine", scope]) == [scope]


@pytest.mark.parametrize("scope", ["keys:read", "keyhouse", "keys", "credits:hold:more", "Keys:verify", "keysx:*"])
def test_is_not_reserved(scope):
    assert reserved_among([scope]) == []
