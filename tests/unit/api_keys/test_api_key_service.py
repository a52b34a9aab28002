"""What may be done with keys, and by whom."""

from datetime import timedelta
from typing import Any

import pytest

from apps.api_keys.schemas.api_key import ApiKeyCreate, ApiKeyUpdate
from apps.api_keys.services.api_key_service import ApiKeyService
from apps.api_keys.services.key_format import digest_of, is_well_formed
from apps.core.authorization.principal import OPERATOR
from apps.core.authorization.scopes import ACCOUNT_WRITE, KEYS_VERIFY, STAFF
from apps.core.errors import InsufficientScopes, NotAllowed, NotFound
from apps.core.schemas.page import PageQuery
from apps.users.services.user_service import UserService
from tests.support.callers import key_of, session_of, staff_of
from tests.support.fakes import NO_EMAIL_CHANGE, FakeKeys, FakeUsers, unsaved_key, unsaved_user

pytestmark = pytest.mark.unit

ME, OTHER, COLLEAGUE, SUPERUSER = 1, 2, 3, 4
MINE, THEIRS, COLLEAGUES, SUPERUSERS, MISSING = 11, 12, 13, 14, 404
WRITES = ["update", "revoke", "rotate", "delete"]


@pytest.fixture
def keys():
    mine = unsaved_key(MINE, ME, scopes=["mine:*"], environment="test")
    return FakeKeys(mine, unsaved_key(THEIRS, OTHER), unsaved_key(COLLEAGUES, COLLEAGUE), unsaved_key(SUPERUSERS, 4))


@pytest.fixture
def users() -> FakeUsers:
    staff = [unsaved_user(COLLEAGUE, is_staff=True), unsaved_user(SUPERUSER, is_staff=True, is_superuser=True)]
    return FakeUsers(unsaved_user(ME), unsaved_user(OTHER), *staff)


@pytest.fixture
def service(keys: Any, users: Any) -> ApiKeyService:
    plans: Any = None
    return ApiKeyService(keys, UserService(users, plans, NO_EMAIL_CHANGE))


async def write(service: ApiKeyService, how: str, actor: Any, key_id: int) -> Any:
    """Make one of the WRITES."""
    act: Any = getattr(service, how)
    return await (act(actor, key_id, ApiKeyUpdate(name="new")) if how == "update" else act(actor, key_id))


@pytest.mark.parametrize("environment", ["live", "test"])
async def test_stores_of_a_secret_only_its_digest_and_prefix(service, keys, environment):
    made = await service.create(session_of(ME), ME, ApiKeyCreate(name="k", environment=environment))
    _, user_id, fields, stored, audit = keys.calls[0]
    assert user_id == ME
    assert is_well_formed(made.api_key)
    assert made.api_key.startswith(f"sk_{environment}_")
    assert (stored.digest, stored.prefix) == (digest_of(made.api_key), made.api_key[:12])
    assert made.api_key not in repr((fields, stored, audit))
    assert audit.action == "api_key.created"


@pytest.mark.parametrize(
    ("actor", "user_id", "error"),
    [
        (session_of(ME), OTHER, NotAllowed),
        (key_of(ME), ME, InsufficientScopes),
        (key_of(ME, ACCOUNT_WRITE), OTHER, NotAllowed),
        (key_of(ME, STAFF), OTHER, NotAllowed),
        (staff_of(COLLEAGUE), SUPERUSER, NotAllowed),
        (staff_of(5), COLLEAGUE, NotAllowed),
    ],
)
async def test_refuses_to_make_a_key(service, keys, actor, user_id, error):
    with pytest.raises(error):
        await service.create(actor, user_id, ApiKeyCreate(name="k"))
    assert keys.calls == []


@pytest.mark.parametrize("scope", [KEYS_VERIFY, ACCOUNT_WRITE, STAFF, "keys:*", "keyhouse:*", "credits:*"])
async def test_only_staff_hand_out_reserved_scopes(service, keys, scope):
    for actor in (session_of(ME), key_of(ME, ACCOUNT_WRITE, scope)):
        with pytest.raises(NotAllowed) as refusal:
            await service.create(actor, ME, ApiKeyCreate(name="k", scopes=["mine:read", scope]))
        assert [detail.message for detail in refusal.value.details] == [f"{scope} is reserved."]
    assert keys.calls == []
    await service.create(staff_of(COLLEAGUE), ME, ApiKeyCreate(name="k", scopes=[scope]))
    assert keys.calls[0][2]["scopes"] == [scope]


async def test_a_key_hands_out_no_more_than_it_has(service, keys):
    actor = key_of(ME, ACCOUNT_WRITE, "mine:*")
    with pytest.raises(InsufficientScopes):
        await service.create(actor, ME, ApiKeyCreate(name="k", scopes=["mine:read", "other:read"]))
    with pytest.raises(InsufficientScopes):
        await service.update(actor, MINE, ApiKeyUpdate(scopes=["mine:*", "other:read"]))
    assert keys.calls == []
    await service.create(actor, ME, ApiKeyCreate(name="k", scopes=["mine:read", "mine:write"]))
    assert keys.calls[0][2]["scopes"] == ["mine:read", "mine:write"]


@pytest.mark.parametrize(
    ("actor", "key_id", "error"),
    [
        (session_of(ME), THEIRS, NotAllowed),
        (session_of(ME), MISSING, NotFound),
        (key_of(ME), THEIRS, NotAllowed),
        (key_of(ME, STAFF), THEIRS, NotAllowed),
        (staff_of(COLLEAGUE), MISSING, NotFound),
    ],
)
async def test_refuses_to_read(service, actor, key_id, error):
    with pytest.raises(error):
        await service.get(actor, key_id)


@pytest.mark.parametrize(
    ("actor", "key_id"), [(session_of(ME), MINE), (key_of(ME), MINE), (staff_of(COLLEAGUE), THEIRS), (OPERATOR, MINE)]
)
async def test_reads(service, actor, key_id):
    assert (await service.get(actor, key_id)).id == key_id


async def test_shows_what_counts_and_asks_for_it_only_where_it_matters(service, keys, users):
    page = await service.page(session_of(ME), ME, PageQuery())
    assert ([key.scopes for key in page.items], users.holders_found) == ([["mine:*"]], 0)
    keys.keys[MINE].scopes = [KEYS_VERIFY, "keyhouse:*"]
    shown = (await service.page(session_of(ME), ME, PageQuery())).items[0]
    assert (shown.scopes, shown.withheld_scopes) == (["keyhouse:*", ACCOUNT_WRITE], [STAFF, KEYS_VERIFY])
    assert users.holders_found == 1
    assert await service.get(session_of(ME), MINE) == shown


@pytest.mark.parametrize("how", WRITES)
@pytest.mark.parametrize(
    ("actor", "key_id", "error"),
    [
        (session_of(ME), THEIRS, NotAllowed),
        (session_of(ME), MISSING, NotFound),
        (key_of(ME), MINE, InsufficientScopes),
        (key_of(ME, ACCOUNT_WRITE), THEIRS, NotAllowed),
        (staff_of(COLLEAGUE), SUPERUSERS, NotAllowed),
        (staff_of(5), COLLEAGUES, NotAllowed),
    ],
)
async def test_refuses_to_change(service, keys, how, actor, key_id, error):
    with pytest.raises(error):
        await write(service, how, actor, key_id)
    assert keys.calls == []


@pytest.mark.parametrize("how", WRITES)
@pytest.mark.parametrize(
    ("actor", "key_id"),
    [
        (session_of(ME), MINE),
        (key_of(ME, ACCOUNT_WRITE, "mine:*"), MINE),
        (staff_of(COLLEAGUE), THEIRS),
        (staff_of(COLLEAGUE), COLLEAGUES),
        (staff_of(SUPERUSER, is_superuser=True), COLLEAGUES),
        (OPERATOR, SUPERUSERS),
    ],
)
async def test_changes(service, keys, how, actor, key_id):
    await write(service, how, actor, key_id)
    assert [(call[0], call[1]) for call in keys.calls] == [(how, key_id)]
    assert keys.calls[0][-1].actor is actor


@pytest.mark.parametrize("how", ["update", "rotate"])
async def test_a_key_gets_no_hold_of_one_that_may_do_more(service, keys, how):
    keys.keys[MINE].scopes = [KEYS_VERIFY, "mine:read"]
    with pytest.raises(InsufficientScopes):
        await write(service, how, key_of(ME, ACCOUNT_WRITE, "mine:read"), MINE)
    assert keys.calls == []


@pytest.mark.parametrize("how", ["revoke", "delete"])
async def test_a_key_may_stop_one_that_may_do_more(service, keys, how):
    await write(service, how, key_of(ME, ACCOUNT_WRITE), MINE)
    assert [call[0] for call in keys.calls] == [how]


async def test_rotates_within_the_key_s_environment(service, keys):
    made = await service.rotate(session_of(ME), MINE, 90)
    _, key_id, stored, grace, audit = keys.calls[0]
    assert (key_id, grace, audit.action) == (MINE, timedelta(seconds=90), "api_key.rotated")
    assert made.api_key.startswith("sk_test_")
    assert stored.digest == digest_of(made.api_key)


async def test_a_reserved_scope_that_staff_gave_may_stay_and_not_be_added(service, keys):
    keys.keys[MINE].scopes = [KEYS_VERIFY]
    await service.update(session_of(ME), MINE, ApiKeyUpdate(scopes=[KEYS_VERIFY, "mine:read"]))
    assert keys.calls[0][2] == {"scopes": [KEYS_VERIFY, "mine:read"]}
    with pytest.raises(NotAllowed):
        await service.update(session_of(ME), MINE, ApiKeyUpdate(scopes=[KEYS_VERIFY, STAFF]))
    assert len(keys.calls) == 1


async def test_changes_only_what_was_sent(service, keys):
    await service.update(session_of(ME), MINE, ApiKeyUpdate(expires_at=None, is_active=False))
    assert keys.calls[0][2] == {"expires_at": None, "is_active": False}


async def test_lists_one_s_own_and_staff_list_anyone_s(service):
    for actor in (session_of(ME), staff_of(COLLEAGUE)):
        assert [key.id for key in (await service.page(actor, ME, PageQuery())).items] == [MINE]
    with pytest.raises(NotAllowed):
        await service.page(session_of(ME), OTHER, PageQuery())
    with pytest.raises(NotFound):
        await service.page(staff_of(COLLEAGUE), MISSING, PageQuery())
