"""Requested scopes, default scopes, and what two sets of scopes have in common."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.authorization.scopes import grants
from apps.oauth.services.oauth_errors import InvalidScope
from apps.oauth.services.requested_scopes import SCOPES_MAXIMUM, common_scopes, default_scopes, read_scopes

pytestmark = pytest.mark.unit

SCOPES = st.lists(st.sampled_from(["a:b", "a:b:c", "a:*", "a:b:*", "b", "keys:*", "keys:verify", "keys:x"]), max_size=4)


@pytest.mark.parametrize(
    ("text", "scopes"),
    [("", ()), ("a:b", ("a:b",)), ("c a:b c", ("c", "a:b")), ("a:*", ("a:*",)), ("x" * 100, ("x" * 100,))],
)
def test_scopes_are_read_in_order_without_duplicates(text: str, scopes: tuple[str, ...]):
    assert read_scopes(text) == scopes


@pytest.mark.parametrize("text", [" ", " a", "a ", "a  b", "a\tb", "a,b", 'a"', "a\\b", "\u00e9", "*", ":a", "x" * 101])
def test_malformed_scopes_are_rejected(text: str):
    with pytest.raises(InvalidScope):
        read_scopes(text)


def test_too_many_scopes_are_rejected():
    maximum = [f"s{number}" for number in range(SCOPES_MAXIMUM)]
    assert len(read_scopes(" ".join(maximum))) == SCOPES_MAXIMUM
    with pytest.raises(InvalidScope):
        read_scopes(" ".join([*maximum, "one:more"]))


def test_default_scopes_leave_out_those_keyhouse_checks():
    held = ["b", "account:read", "keys:*", "keys:verify", "a:*", "keys:mine"]
    assert default_scopes(held) == ("b", "a:*", "keys:mine")


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        (["a:b", "c"], ["c", "d"], {"c"}),
        (["a:*"], ["a:b", "b"], {"a:b"}),
        (["a:b"], ["a:*"], {"a:b"}),
        (["a:*"], ["a:b:*"], {"a:b:*"}),
        (["a:*"], ["b:*"], set()),
        (["keys:*", "keys:verify"], ["keys:*"], {"keys:*"}),
        (["keys:*"], ["keys:verify"], set()),
        ([], ["a"], set()),
    ],
)
def test_common_scopes_are_the_narrower_ones(one: list[str], other: list[str], common: set[str]):
    assert common_scopes(one, other) == common_scopes(other, one) == common


@given(one=SCOPES, other=SCOPES, wanted=st.sampled_from(["a:b", "a:b:c", "a:x", "b", "keys:verify", "keys:x"]))
def test_common_scopes_grant_what_both_grant(one: list[str], other: list[str], wanted: str):
    assert grants(common_scopes(one, other), wanted) == (grants(one, wanted) and grants(other, wanted))
