"""Scopes and wildcards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.authorization.catalogue import CATALOGUE, HeldBy
from apps.core.authorization.scopes import (
    ACCOUNT_WRITE,
    CREDITS_HOLD,
    EVERYONES_SCOPES,
    KEYS_VERIFY,
    RESERVED_SCOPES,
    ROLE_SCOPES,
    STAFF,
    TOKENS_INTROSPECT,
    added_scopes,
    effective_scopes,
    grants,
    held_scopes,
    missing_scopes,
    reserved_among,
    reserved_under,
    scopes_of_roles,
    withheld_scopes,
)

pytestmark = pytest.mark.unit

PARTS = st.text("abz09_.-", min_size=1, max_size=5)
SCOPES = st.lists(PARTS, min_size=1, max_size=4).map(":".join)
WILDCARDS = ["keys:*", "credits:*", "keyhouse:*", "tokens:*", "mine:*"]
ANY_SCOPE = st.sampled_from([*sorted(RESERVED_SCOPES), *WILDCARDS, "keys:read", "mine:read", "tokens"])


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
def test_wildcard_grants_only_its_area(granted, more):
    assert grants([f"{granted}:*"], f"{granted}:{more}")
    assert not grants([f"{granted}:*"], f"{granted}{more}")
    assert not grants([f"{granted}:*"], granted)


@given(granted=st.lists(SCOPES), wanted=SCOPES)
def test_plain_scope_grants_only_itself(granted, wanted):
    assert grants(granted, wanted) is (wanted in granted)


def test_missing_scopes_keep_their_order():
    assert missing_scopes(["b", "c:*"], ["z", "b", "c:d", "a", "z"]) == ["z", "a", "z"]
    assert missing_scopes(iter(["a"]), iter(["a"])) == []


@pytest.mark.parametrize("scope", [*sorted(RESERVED_SCOPES), "keys:*", "credits:*", "keyhouse:*"])
def test_declared_scope_or_wildcard_over_it_is_reserved(scope):
    assert reserved_among(["mine", scope]) == [scope]


@pytest.mark.parametrize("scope", ["keys:read", "keyhouse", "keys", "credits:hold:more", "Keys:verify", "keysx:*"])
def test_other_scope_is_not_reserved(scope):
    assert reserved_among([scope]) == []


def test_reserved_under_expands_wildcards():
    assert reserved_under(["mine:*", "keys:*", "credits:hold", "keyhouse"]) == [KEYS_VERIFY, CREDITS_HOLD]
    assert reserved_under(["keyhouse:*"]) == [ACCOUNT_WRITE, STAFF]
    assert reserved_under([]) == []


def test_every_declared_scope_has_a_description():
    assert all(scope.name == name and scope.description.endswith(".") for name, scope in CATALOGUE.items())
    # Projects may declare more.
    held_by = {
        ACCOUNT_WRITE: HeldBy.EVERYONE,
        STAFF: HeldBy.STAFF,
        KEYS_VERIFY: HeldBy.ROLES,
        CREDITS_HOLD: HeldBy.ROLES,
        TOKENS_INTROSPECT: HeldBy.ROLES,
    }
    assert {name: CATALOGUE[name].held_by for name in held_by} == held_by


@pytest.mark.parametrize(
    ("given", "is_staff", "held"),
    [
        ([], False, EVERYONES_SCOPES),
        ([KEYS_VERIFY], False, EVERYONES_SCOPES | {KEYS_VERIFY}),
        ([STAFF, "mine:read", "old:scope", "keys:*"], False, EVERYONES_SCOPES),  # rows of roles grant only role scopes
        ([], True, RESERVED_SCOPES),
    ],
)
def test_held_scopes_of_an_account(given, is_staff, held):
    assert ACCOUNT_WRITE in held
    assert held_scopes(given, is_staff=is_staff) == held
    assert scopes_of_roles(given) == held_scopes(given, is_staff=False) - EVERYONES_SCOPES


@pytest.mark.parametrize(
    ("own", "held", "effective", "withheld"),
    [
        (["a:b", KEYS_VERIFY], {KEYS_VERIFY}, ["a:b", KEYS_VERIFY], []),
        (["a:b", KEYS_VERIFY, "c"], set(), ["a:b", "c"], [KEYS_VERIFY]),
        (["keys:*"], {KEYS_VERIFY}, ["keys:*", KEYS_VERIFY], []),
        (["keys:*"], set(), ["keys:*"], [KEYS_VERIFY]),
        (["keys:*", KEYS_VERIFY], {KEYS_VERIFY}, ["keys:*", KEYS_VERIFY], []),
        (["keyhouse:*"], {ACCOUNT_WRITE}, ["keyhouse:*", ACCOUNT_WRITE], [STAFF]),
        (["a:*"], RESERVED_SCOPES, ["a:*"], []),
        ([], RESERVED_SCOPES, [], []),
    ],
)
def test_key_has_at_most_the_scopes_of_its_owner(own, held, effective, withheld):
    assert effective_scopes(own, held) == effective
    assert withheld_scopes(own, held) == withheld


@given(own=st.lists(ANY_SCOPE, unique=True), held=st.sets(st.sampled_from(sorted(RESERVED_SCOPES))))
def test_effective_scopes_drop_only_unheld_declared_scopes(own, held):
    effective = effective_scopes(own, held)
    for declared in RESERVED_SCOPES:
        assert grants(effective, declared) is (declared in held and bool(set(reserved_under(own)) & {declared}))
    for undeclared in ("mine:read", "mine:read:all", "keys:read", "tokens:read", "tokens", "keyhouse:x"):
        assert grants(effective, undeclared) is grants(own, undeclared)
    assert len(set(effective)) == len(effective)
    assert effective_scopes(effective, held) == effective


@given(own=st.lists(ANY_SCOPE, unique=True), less=st.sets(st.sampled_from(sorted(ROLE_SCOPES))))
def test_demotion_only_removes_scopes(own, less):
    before, after = (effective_scopes(own, held) for held in (ROLE_SCOPES, ROLE_SCOPES - less))
    assert set(after) == set(before) - less


def test_scope_covered_by_a_wildcard_is_not_added():
    assert added_scopes(["keys:*", "a"], ["keys:*", KEYS_VERIFY, "a", "b"]) == ["b"]
    assert added_scopes([KEYS_VERIFY], ["keys:*"]) == ["keys:*"]
    assert added_scopes([], iter(["a"])) == ["a"]
