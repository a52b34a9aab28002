"""The rights of callers, by their account and credential."""

import pytest

from apps.core.authorization.principal import OPERATOR, CredentialKind, Principal
from apps.core.authorization.scopes import ACCOUNT_WRITE, CREDITS_HOLD, KEYS_VERIFY, STAFF
from apps.core.errors import InsufficientScopes, NotAllowed, SecondFactorRequired

pytestmark = pytest.mark.unit

ME, OTHER = 1, 2


def session(**fields):
    return Principal(user_id=ME, kind=CredentialKind.SESSION, session_id=7, **fields)


def key(*scopes, **fields):
    return Principal(user_id=ME, kind=CredentialKind.API_KEY, scopes=frozenset(scopes), api_key_id=8, **fields)


CALLERS = {
    "session": session(),
    "key": key(),
    "key with account scope": key(ACCOUNT_WRITE),
    "key with staff scope of a customer": key(STAFF),
    "staff session": session(is_staff=True),
    "staff key": key(is_staff=True),
    "staff key with account scope": key(ACCOUNT_WRITE, is_staff=True),
    "staff key with staff scope": key(STAFF, is_staff=True),
    "staff key with every scope": key("keyhouse:*", ACCOUNT_WRITE, STAFF, is_staff=True),
    "operator": OPERATOR,
}
ACCOUNT_HOLDERS = [name for name in CALLERS if name != "operator"]
STAFF_CALLERS = {"staff session", "staff key with staff scope", "staff key with every scope", "operator"}
WRITERS = {"session", "key with account scope", "staff key with account scope", *STAFF_CALLERS} - {"operator"}


def may(action, *args) -> bool:
    try:
        action(*args)
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize("name", CALLERS)
def test_staff_rights_need_a_session_or_the_staff_scope(name):
    assert CALLERS[name].acts_as_staff is (name in STAFF_CALLERS)
    assert may(CALLERS[name].require_staff) is (name in STAFF_CALLERS)


@pytest.mark.parametrize(
    ("name", "scopes"),
    [
        ("session", (ACCOUNT_WRITE,)),
        ("staff session", (ACCOUNT_WRITE, STAFF)),
        ("key", ()),
        ("key with account scope", (ACCOUNT_WRITE,)),
        ("key with staff scope of a customer", ()),
        ("staff key", ()),
        ("staff key with every scope", (ACCOUNT_WRITE, STAFF)),
    ],
)
def test_reserved_scopes_of_a_caller(name, scopes):
    assert CALLERS[name].reserved_scopes == scopes


@pytest.mark.parametrize("name", CALLERS)
def test_only_staff_may_access_other_accounts(name):
    assert may(CALLERS[name].require_reading, OTHER) is (name in STAFF_CALLERS)
    assert may(CALLERS[name].require_writing, OTHER) is (name in STAFF_CALLERS)


@pytest.mark.parametrize("name", ACCOUNT_HOLDERS)
def test_every_caller_may_read_its_own_account(name):
    assert may(CALLERS[name].require_reading, ME)


@pytest.mark.parametrize("name", ACCOUNT_HOLDERS)
def test_key_needs_scope_to_change_its_own_account(name):
    assert may(CALLERS[name].require_writing, ME) is (name in WRITERS)


def test_error_names_the_missing_scope():
    with pytest.raises(InsufficientScopes, match="keyhouse:account"):
        key().require_writing(ME)


@pytest.mark.parametrize(
    ("caller", "has"),
    [
        (key(KEYS_VERIFY), True),
        (key("keys:*"), False),  # a wildcard grants no declared scope
        (key("keys:*", KEYS_VERIFY), True),
        (session(scopes=frozenset({KEYS_VERIFY})), True),
        (session(scopes=frozenset({CREDITS_HOLD})), False),
        (key("keys:read"), False),
        (key(), False),
        (key(is_staff=True), False),  # a key of staff has only its own scopes
        (session(), False),
        (session(is_staff=True), True),
        (OPERATOR, True),
    ],
)
def test_scopes(caller, has):
    assert caller.has_scope(KEYS_VERIFY) is has
    assert may(caller.require_scope, KEYS_VERIFY) is has


def test_session_has_scopes_of_its_roles_and_of_everyone():
    caller = session(scopes=frozenset({CREDITS_HOLD, KEYS_VERIFY}))
    assert caller.reserved_scopes == (ACCOUNT_WRITE, KEYS_VERIFY, CREDITS_HOLD)
    assert caller.has_scope(ACCOUNT_WRITE)
    assert not caller.has_scope(STAFF)


@pytest.mark.parametrize(
    ("caller", "has"),
    [
        (session(roles=frozenset({"service"})), True),
        (session(roles=frozenset({"other"})), False),
        (session(), False),
        (session(is_staff=True), False),
        (session(is_staff=True, is_superuser=True), True),
        (session(is_superuser=True), False),  # a superuser who is no longer staff has no superuser rights
        (key(KEYS_VERIFY), False),
        (key(is_staff=True, is_superuser=True), False),
        (key(STAFF, is_staff=True, is_superuser=True), True),
        (OPERATOR, True),
    ],
)
def test_roles(caller, has):
    assert caller.has_role("service") is has
    assert may(caller.require_one_role, ["another", "service"]) is has


def test_staff_session_without_second_factor_is_rejected():
    caller = session(lacks_second_factor=True)
    for check in (caller.require_staff, caller.require_superuser):
        with pytest.raises(SecondFactorRequired):
            check()
    with pytest.raises(SecondFactorRequired):
        caller.require_scope(KEYS_VERIFY)
    for check in (caller.require_reading, caller.require_writing):
        check(ME)
        with pytest.raises(SecondFactorRequired):
            check(OTHER)


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
