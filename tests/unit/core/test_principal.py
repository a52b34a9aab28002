"""The rights of callers, by their account and credential."""

import pytest

from apps.core.authorization.catalogue import (
    ACCOUNT_READ,
    ACCOUNT_WRITE,
    CATALOGUE,
    CREDITS_HOLD,
    CUSTOMERS_READ,
    CUSTOMERS_WRITE,
    EVERYONES_SCOPES,
    KEYS_VERIFY,
    RESERVED_SCOPES,
)
from apps.core.authorization.principal import ANONYMOUS, OPERATOR, CredentialKind, Principal, owner_of
from apps.core.errors import InsufficientScopes, NotAllowed, SecondFactorRequired

pytestmark = pytest.mark.unit

ME, OTHER = 1, 2


def session(*scopes, **fields):
    held = EVERYONES_SCOPES.union(scopes)
    return Principal(user_id=ME, kind=CredentialKind.SESSION, scopes=held, session_id=7, **fields)


def key(*scopes, **fields):
    return Principal(user_id=ME, kind=CredentialKind.API_KEY, scopes=frozenset(scopes), api_key_id=8, **fields)


CALLERS = {
    "session": session(),
    "key": key(),
    "key that reads": key(ACCOUNT_READ),
    "key that reads and changes": key(ACCOUNT_READ, ACCOUNT_WRITE),
    "staff session without a role": session(is_staff=True),
    "staff session that reads": session(CUSTOMERS_READ, is_staff=True),
    "staff session that reads and changes": session(CUSTOMERS_READ, CUSTOMERS_WRITE, is_staff=True),
    "staff key": key(is_staff=True),
    "staff key for the own account": key(ACCOUNT_READ, ACCOUNT_WRITE, is_staff=True),
    "staff key that reads": key(CUSTOMERS_READ, is_staff=True),
    "operator": OPERATOR,
    "anonymous": ANONYMOUS,
}
SESSIONS = {name for name in CALLERS if "session" in name}
OWN_READERS = {*SESSIONS, "key that reads", "key that reads and changes", "staff key for the own account"}
OWN_WRITERS = OWN_READERS - {"key that reads"}
READERS = {"staff session that reads", "staff session that reads and changes", "staff key that reads", "operator"}
WRITERS = {"staff session that reads and changes", "operator"}


def may(action, *args) -> bool:
    try:
        action(*args)
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize("name", CALLERS)
def test_other_accounts_need_a_scope_of_staff(name):
    assert may(CALLERS[name].require_reading, OTHER, CUSTOMERS_READ) is (name in READERS)
    assert may(CALLERS[name].require_writing, OTHER, CUSTOMERS_WRITE) is (name in WRITERS)


@pytest.mark.parametrize("name", CALLERS)
def test_own_account_needs_a_session_or_a_scope(name):
    if CALLERS[name].user_id is not None:
        assert may(CALLERS[name].require_reading, ME, CUSTOMERS_READ) is (name in OWN_READERS)
        assert may(CALLERS[name].require_writing, ME, CUSTOMERS_WRITE) is (name in OWN_WRITERS)


def test_an_entity_names_its_own_scopes():
    caller = key("projects:write")
    caller.require_writing(ME, CUSTOMERS_WRITE, "projects:write")
    with pytest.raises(InsufficientScopes, match="projects:read"):
        caller.require_reading(ME, CUSTOMERS_READ, "projects:read")


@pytest.mark.parametrize(
    ("caller", "error"),
    [
        (key(), InsufficientScopes),
        (session(is_staff=True), InsufficientScopes),
        (session(), NotAllowed),
    ],
)
def test_error_names_the_missing_scope_to_those_who_could_hold_it(caller, error):
    missing = ACCOUNT_WRITE if caller.kind is CredentialKind.API_KEY else CUSTOMERS_READ
    with pytest.raises(NotAllowed) as refusal:
        caller.require_scope(missing)
    assert type(refusal.value) is error
    assert (missing in str(refusal.value)) is (error is InsufficientScopes)


@pytest.mark.parametrize(
    ("caller", "scopes"),
    [
        (session(), (ACCOUNT_READ, ACCOUNT_WRITE)),
        (session(KEYS_VERIFY, CUSTOMERS_READ), (ACCOUNT_READ, ACCOUNT_WRITE, KEYS_VERIFY, CUSTOMERS_READ)),
        (key("mine:read", ACCOUNT_READ), (ACCOUNT_READ,)),
        (OPERATOR, tuple(CATALOGUE)),
        (owner_of(ME), (ACCOUNT_READ, ACCOUNT_WRITE)),
        (ANONYMOUS, ()),
    ],
)
def test_reserved_scopes_of_a_caller(caller, scopes):
    assert caller.reserved_scopes == scopes


@pytest.mark.parametrize(
    ("caller", "has"),
    [
        (key(KEYS_VERIFY), True),
        (key("keys:*"), False),  # a wildcard grants no declared scope
        (key("keys:*", KEYS_VERIFY), True),
        (session(KEYS_VERIFY), True),
        (session(CREDITS_HOLD), False),
        (key("keys:read"), False),
        (key(), False),
        (session(), False),
        (session(is_staff=True), False),  # being staff gives nothing
        (OPERATOR, True),
    ],
)
def test_scopes(caller, has):
    assert caller.has_scope(KEYS_VERIFY) is has
    assert may(caller.require_scope, KEYS_VERIFY) is has


@pytest.mark.parametrize(
    ("caller", "has"),
    [
        (session(roles=frozenset({"service"})), True),
        (session(roles=frozenset({"other"})), False),
        (session(), False),
        (session(is_staff=True), False),
        (session(is_staff=True, is_superuser=True), True),
        (key(KEYS_VERIFY), False),
        (key(*RESERVED_SCOPES, is_staff=True), False),  # a key has scopes only
        (OPERATOR, True),
    ],
)
def test_roles(caller, has):
    assert caller.has_role("service") is has
    assert may(caller.require_one_role, ["another", "service"]) is has


def test_staff_session_without_second_factor_is_rejected():
    caller = session(lacks_second_factor=True)
    with pytest.raises(SecondFactorRequired):
        caller.require_superuser()
    for scope in (KEYS_VERIFY, CUSTOMERS_READ):
        with pytest.raises(SecondFactorRequired):
            caller.require_scope(scope)
    for check in (caller.require_reading, caller.require_writing):
        check(ME, CUSTOMERS_READ)
        with pytest.raises(SecondFactorRequired):
            check(OTHER, CUSTOMERS_READ)


def test_own_account_is_refused_where_others_must_act():
    for caller in (session(), key(ACCOUNT_WRITE), session(is_staff=True, is_superuser=True)):
        caller.require_other(OTHER, "reason")
        with pytest.raises(NotAllowed, match="reason"):
            caller.require_other(ME, "reason")
    OPERATOR.require_other(ME, "reason")


def test_operator_has_no_account():
    with pytest.raises(NotAllowed):
        _ = OPERATOR.owner_id
    assert session().owner_id == ME


def test_only_sessions_have_a_session_id():
    assert session().require_session() == 7
    for caller in (key(), OPERATOR):
        with pytest.raises(NotAllowed):
            caller.require_session()


def test_principal_is_immutable():
    with pytest.raises(AttributeError):
        session().is_staff = True
