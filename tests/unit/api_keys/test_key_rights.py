"""Which scopes may be put on a key, and by whom."""

from dataclasses import replace
from typing import Any

import pytest

from apps.api_keys.schemas.api_key import ApiKeyCreate, ApiKeyUpdate
from apps.core.authorization.catalogue import (
    ACCOUNT_READ,
    ACCOUNT_WRITE,
    CREDITS_READ,
    CUSTOMERS_READ,
    CUSTOMERS_WRITE,
    KEYS_READ,
    KEYS_VERIFY,
    KEYS_WRITE,
    RESERVED_SCOPES,
    SECURITY_READ,
)
from apps.core.authorization.principal import OPERATOR
from apps.core.errors import (
    InsufficientScopes,
    NotAllowed,
    SecondFactorRequired,
    StepUpRequired,
    ValidationFailed,
)
from tests.support.callers import key_of, session_of, staff_of
from tests.unit.api_keys.fake_keys import (
    COLLEAGUE,
    ME,
    MINE,
    NEW_ID,
    THEIRS,
    write,
)

pytestmark = pytest.mark.unit

KEYS = (KEYS_READ, KEYS_WRITE)


async def test_scopes_that_the_owner_does_not_hold_are_refused(service, keys, held):
    async def refuse(user_id: int, scopes: Any) -> None:
        raise ValidationFailed

    actor = staff_of(COLLEAGUE, *KEYS, KEYS_VERIFY, recently_authenticated=True)
    await service.update(actor, MINE, ApiKeyUpdate(scopes=["mine:read", KEYS_VERIFY]))
    assert held.required == [[KEYS_VERIFY]]
    held.require_held = refuse
    keys.calls.clear()
    for write_scopes in (
        service.create(OPERATOR, ME, ApiKeyCreate(name="k", scopes=[KEYS_VERIFY])),
        service.update(OPERATOR, THEIRS, ApiKeyUpdate(scopes=[KEYS_VERIFY])),
    ):
        with pytest.raises(ValidationFailed):
            await write_scopes
    assert keys.calls == []


@pytest.mark.parametrize("scope", [ACCOUNT_READ, ACCOUNT_WRITE, KEYS_VERIFY, "keys:*"])
async def test_declared_scopes_need_a_recently_authenticated_session_that_holds_them(service, keys, scope):
    new = ApiKeyCreate(name="k", scopes=["mine:read", scope])
    holder = session_of(ME, scopes=frozenset({KEYS_VERIFY}))
    for actor, error in (
        (holder, StepUpRequired),
        (key_of(ME, *RESERVED_SCOPES, scope, "mine:*"), NotAllowed),
        (key_of(ME, *RESERVED_SCOPES, scope, "mine:*", recently_authenticated=True), NotAllowed),
    ):
        with pytest.raises(error):
            await service.create(actor, ME, new)
    assert keys.calls == []
    for actor in (replace(holder, recently_authenticated=True), OPERATOR):
        await service.create(actor, ME, new)
        assert keys.keys[NEW_ID].scopes == ["mine:read", scope]


@pytest.mark.parametrize(
    ("scope", "needed"),
    [
        (KEYS_VERIFY, {KEYS_VERIFY}),
        ("keys:*", {KEYS_VERIFY}),
        (CUSTOMERS_READ, {CUSTOMERS_READ}),
        (ACCOUNT_READ, {CUSTOMERS_READ, KEYS_READ, CREDITS_READ, SECURITY_READ}),
        (ACCOUNT_WRITE, {CUSTOMERS_WRITE, KEYS_WRITE}),
    ],
)
async def test_staff_give_a_key_no_scope_that_they_lack(service, keys, scope, needed):
    """A scope of everyone's is about the owner's account: it takes the scopes of staff for the same."""
    new = ApiKeyCreate(name="k", scopes=[scope])
    for lacking in needed - {KEYS_WRITE}:
        actor = staff_of(COLLEAGUE, KEYS_WRITE, *needed - {lacking}, recently_authenticated=True)
        with pytest.raises(NotAllowed) as refusal:
            await service.create(actor, ME, new)
        assert [detail.field for detail in refusal.value.details] == ["scopes"]
    assert keys.calls == []
    await service.create(staff_of(COLLEAGUE, KEYS_WRITE, *needed, recently_authenticated=True), ME, new)
    assert keys.keys[NEW_ID].scopes == [scope]


async def test_a_new_secret_gives_staff_no_scope_that_they_lack(service, keys):
    keys.keys[THEIRS].scopes = [KEYS_VERIFY]
    with pytest.raises(NotAllowed):
        await service.rotate(staff_of(COLLEAGUE, *KEYS), THEIRS)
    await service.rotate(staff_of(COLLEAGUE, *KEYS, KEYS_VERIFY, recently_authenticated=True), THEIRS)
    keys.keys[MINE].scopes = [KEYS_VERIFY]  # withheld from its owner, who gains nothing by a new secret
    await service.rotate(session_of(ME, recently_authenticated=True), MINE)
    with pytest.raises(SecondFactorRequired):
        await service.rotate(session_of(ME, lacks_second_factor=True), MINE)


@pytest.mark.parametrize("scopes", [[KEYS_VERIFY], [ACCOUNT_READ], ["keys:*"]])
async def test_a_new_secret_with_declared_scopes_needs_recent_authentication(service, keys, scopes):
    keys.keys[MINE].scopes = scopes
    for actor in (session_of(ME), staff_of(COLLEAGUE, *RESERVED_SCOPES)):
        with pytest.raises(StepUpRequired):
            await service.rotate(actor, MINE)
    assert keys.calls == []
    own = key_of(ME, ACCOUNT_WRITE, KEYS_VERIFY, *scopes, api_key_id=MINE)
    for actor in (session_of(ME, recently_authenticated=True), own, OPERATOR):
        await service.rotate(actor, MINE)
    keys.keys[MINE].scopes = ["mine:read"]
    await service.rotate(session_of(ME), MINE)


async def test_a_key_grants_no_scope_that_it_lacks(service, keys):
    actor = key_of(ME, ACCOUNT_WRITE, "mine:*")
    with pytest.raises(InsufficientScopes):
        await service.create(actor, ME, ApiKeyCreate(name="k", scopes=["mine:read", "other:read"]))
    with pytest.raises(NotAllowed):
        await service.update(actor, MINE, ApiKeyUpdate(scopes=["mine:*", "other:read"]))
    assert keys.calls == []
    await service.create(actor, ME, ApiKeyCreate(name="k", scopes=["mine:read", "mine:write"]))
    assert keys.keys[NEW_ID].scopes == ["mine:read", "mine:write"]


@pytest.mark.parametrize("how", ["update", "rotate"])
async def test_a_key_does_not_take_over_one_with_more_scopes(service, keys, how):
    keys.keys[MINE].scopes = [KEYS_VERIFY, "mine:read"]
    with pytest.raises(InsufficientScopes):
        await write(service, how, key_of(ME, ACCOUNT_WRITE, "mine:read"), MINE)
    assert keys.calls == []


@pytest.mark.parametrize("how", ["revoke", "delete"])
async def test_a_key_may_stop_one_with_more_scopes(service, keys, how):
    await write(service, how, key_of(ME, ACCOUNT_WRITE), MINE)
    assert [call[0] for call in keys.calls] == [how]


async def test_a_declared_scope_may_stay_without_authentication_and_not_be_added(service, keys):
    keys.keys[MINE].scopes = [KEYS_VERIFY]
    await service.update(session_of(ME), MINE, ApiKeyUpdate(scopes=[KEYS_VERIFY, "mine:read"]))
    assert keys.calls == [("update", MINE, {"scopes": [KEYS_VERIFY, "mine:read"]})]
    with pytest.raises(NotAllowed):
        await service.update(session_of(ME), MINE, ApiKeyUpdate(scopes=[KEYS_VERIFY, CUSTOMERS_READ]))
    assert len(keys.calls) == 1
