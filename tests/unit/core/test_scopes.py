"""Scopes and wildcards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.authorization.catalogue import CATALOGUE, CUSTOMERS_READ, KEYS_READ, HeldBy
from apps.core.authorization.scopes import (
    ACCOUNT_READ,
    ACCOUNT_WRITE,
    CREDITS_HOLD,
    EVERYONES_SCOPES,
    KEYS_VERIFY,
    RESERVED_SCOPES,
    ROLE_SCOPES,
    TOKENS_INTROSPECT,
    added_scopes,
    effective_scopes,
    grants,
    held_scopes,
    missing_scopes,
    reserved_among,
    reserved_under,
    withheld_scopes,
)

pytestmark = pytest.mark.unit

PARTS = st.text("abz09_.-", min_size=1, max_size=5)
SCOPES = st.lists(PARTS, min_size=1, max_size=4).map(":".join)
WILDCARDS = ["keys:*", "credits:*", "account:*", "customers:*", "tokens:*", "mine:*"]
ANY_SCOPE = st.sampled_from([*sorted(RESERVED_SCOPES), *WILDCARDS, "keys:mine", "mine:read", "tokens"])


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


@pytest.mark.parametrize("scope", [*sorted(RESERVED_SCOPES), "keys:*", "credits:*", "tokens:*"])
def test_declared_scope_or_wildcard_over_a_service_scope_is_reserved(scope):
    assert reserved_among(["mine", scope]) == [scope]


@pytest.mark.parametrize(
    "scope",
    ["keys:mine", "account", "account:*", "customers:*", "keys", "credits:hold:more", "Keys:verify", "keysx:*"],
)
def test_other_scope_is_not_reserved(scope):
    assert reserved_among([scope]) == []


def test_reserved_under_expands_wildcards():
    assert reserved_under(["mine:*", "keys:*", "credits:hold", "account"]) == [KEYS_VERIFY, CREDITS_HOLD]
    assert reserved_under(["account:*", "customers:*", CUSTOMERS_READ]) == [CUSTOMERS_READ]
    assert reserved_under([]) == []


def test_every_declared_scope_has_a_description():
    assert all(scope.name == name and scope.description.endswith(".") for name, scope in CATALOGUE.items())
    # Projects may declare more.
    held_by = {
        ACCOUNT_READ: HeldBy.EVERYONE,
        ACCOUNT_WRITE: HeldBy.EVERYONE,
        CUSTOMERS_READ: HeldBy.STAFF,
        KEYS_VERIFY: HeldBy.ROLES,
        CREDITS_HOLD: HeldBy.ROLES,
        TOKENS_INTROSPECT: HeldBy.ROLES,
    }
    assert {name: CATALOGUE[name].held_by for name in held_by} == held_by


@pytest.mark.parametrize(
    ("given", "flags", "held"),
    [
        ([], {}, EVERYONES_SCOPES),
        ([KEYS_VERIFY], {}, EVERYONES_SCOPES | {KEYS_VERIFY}),
        ([CUSTOMERS_READ, "mine:read", "old:scope", "keys:*"], {}, EVERYONES_SCOPES),
        ([], {"is_staff": True}, EVERYONES_SCOPES),
        ([CUSTOMERS_READ, KEYS_VERIFY, "x"], {"is_staff": True}, EVERYONES_SCOPES | {CUSTOMERS_READ, KEYS_VERIFY}),
        ([], {"is_staff": True, "is_superuser": True}, RESERVED_SCOPES),
        ([KEYS_READ], {"is_superuser": True}, EVERYONES_SCOPES),  # nothing without `is_staff`
    ],
)
def test_held_scopes_of_an_account(given, flags, held):
    assert ACCOUNT_WRITE in held
    assert held_scopes(given, **{"is_staff": False, **flags}) == held


@pytest.mark.parametrize(
    ("own", "held", "effective", "withheld"),
    [
        (["a:b", KEYS_VERIFY], {KEYS_VERIFY}, ["a:b", KEYS_VERIFY], []),
        (["a:b", KEYS_VERIFY, "c"], set(), ["a:b", "c"], [KEYS_VERIFY]),
        (["keys:*"], {KEYS_VERIFY}, ["keys:*", KEYS_VERIFY], []),
        (["keys:*"], set(), ["keys:*"], [KEYS_VERIFY]),
        (["keys:*", KEYS_VERIFY], {KEYS_VERIFY}, ["keys:*", KEYS_VERIFY], []),
        (["account:*", "customers:*"], RESERVED_SCOPES, ["account:*", "customers:*"], []),
        ([ACCOUNT_READ, CUSTOMERS_READ], EVERYONES_SCOPES, [ACCOUNT_READ], [CUSTOMERS_READ]),
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
    for undeclared in ("mine:read", "mine:read:all", "keys:mine", "tokens:read", "tokens", "account:x"):
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


def test_no_wildcard_covers_a_scope_that_it_does_not_grant():
    assert added_scopes(["account:*", "customers:*"], ["account:read", "customers:*"]) == ["account:read"]
    assert added_scopes(["credits:*"], ["credits:grant", "credits:hold"]) == ["credits:grant"]


@given(before=st.lists(ANY_SCOPE), after=st.lists(ANY_SCOPE))
def test_what_is_not_added_gives_no_declared_scope(before, after):
    kept = [scope for scope in after if scope not in added_scopes(before, after)]
    assert RESERVED_SCOPES.intersection(effective_scopes(kept, RESERVED_SCOPES)) <= set(
        effective_scopes(before, RESERVED_SCOPES)
    )
