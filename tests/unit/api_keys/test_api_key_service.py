"""What the API key service allows, writes and records."""

from datetime import timedelta
from typing import Any

import pytest

from apps.api_keys.schemas.api_key import ApiKeyCreate, ApiKeyRevoke, ApiKeyUpdate
from apps.api_keys.services.key_format import digest_of, is_well_formed
from apps.api_keys.services.key_secrets import KeySecrets
from apps.core.authorization.catalogue import (
    ACCOUNT_READ,
    ACCOUNT_WRITE,
    CUSTOMERS_READ,
    KEYS_READ,
    KEYS_VERIFY,
    KEYS_WRITE,
)
from apps.core.authorization.principal import OPERATOR
from apps.core.errors import (
    Conflict,
    InsufficientScopes,
    NotAllowed,
    NotFound,
)
from apps.core.schemas.page import PageQuery
from tests.support.callers import key_of, session_of, staff_of
from tests.support.fakes import LONG_AGO
from tests.unit.api_keys.fake_keys import (
    COLLEAGUE,
    COLLEAGUES,
    ME,
    MINE,
    MISSING,
    NEW_ID,
    OTHER,
    SUPERUSER,
    SUPERUSERS,
    THEIRS,
    WRITES,
    write,
)

pytestmark = pytest.mark.unit

KEYS = (KEYS_READ, KEYS_WRITE)


@pytest.mark.parametrize("environment", ["live", "test"])
async def test_only_digest_and_prefix_of_a_secret_are_stored(service, keys, audit, environment):
    created = await service.create(session_of(ME), ME, ApiKeyCreate(name="k", environment=environment))
    assert is_well_formed(created.api_key)
    assert created.api_key.startswith(f"sk_{environment}_")
    assert keys.calls == [
        ("insert", NEW_ID, ME),
        ("insert secret", NEW_ID, digest_of(created.api_key), created.api_key[:12]),
    ]
    (entry,) = audit.entries
    assert created.api_key not in repr((vars(keys.keys[NEW_ID]), entry))
    assert (entry.action, entry.target_kind, entry.target_id, entry.account_id) == (
        "api_key.created",
        "api_key",
        NEW_ID,
        ME,
    )
    assert (entry.after["user_id"], entry.after["name"]) == (ME, "k")


@pytest.mark.parametrize(
    ("actor", "user_id", "error"),
    [
        (session_of(ME), OTHER, NotAllowed),
        (key_of(ME), ME, InsufficientScopes),
        (key_of(ME, ACCOUNT_WRITE), OTHER, NotAllowed),
        (key_of(COLLEAGUE, ACCOUNT_WRITE, is_staff=True), OTHER, InsufficientScopes),
        (staff_of(COLLEAGUE, KEYS_READ), OTHER, InsufficientScopes),
        (staff_of(COLLEAGUE, *KEYS), SUPERUSER, NotAllowed),
        (staff_of(5, *KEYS), COLLEAGUE, NotAllowed),
        (staff_of(COLLEAGUE, *KEYS), MISSING, NotFound),
    ],
)
async def test_creating_a_key_is_refused(service, keys, audit, actor, user_id, error):
    with pytest.raises(error):
        await service.create(actor, user_id, ApiKeyCreate(name="k"))
    assert (keys.calls, audit.entries) == ([], [])


@pytest.mark.parametrize("actor", [session_of(ME), staff_of(COLLEAGUE, *KEYS), OPERATOR])
async def test_the_plan_bounds_how_many_keys_are_not_revoked(service, keys, users, audit, actor):
    users.users[ME].plan.api_keys_maximum = 2
    await service.create(actor, ME, ApiKeyCreate(name="second"))
    with pytest.raises(Conflict) as refusal:
        await service.create(actor, ME, ApiKeyCreate(name="third"))
    assert refusal.value.code == "API_KEY_LIMIT_REACHED"
    assert len(audit.entries) == 1
    keys.keys[MINE].revoked_at = LONG_AGO
    await service.create(actor, ME, ApiKeyCreate(name="third"))


@pytest.mark.parametrize(
    ("actor", "key_id", "error"),
    [
        (session_of(ME), THEIRS, NotAllowed),
        (session_of(ME), MISSING, NotFound),
        (key_of(ME), THEIRS, NotAllowed),
        (key_of(ME), MINE, InsufficientScopes),
        (staff_of(COLLEAGUE, KEYS_WRITE), THEIRS, InsufficientScopes),
        (staff_of(COLLEAGUE, *KEYS), MISSING, NotFound),
    ],
)
async def test_reading_a_key_is_refused(service, actor, key_id, error):
    with pytest.raises(error):
        await service.get(actor, key_id)


@pytest.mark.parametrize(
    ("actor", "key_id"),
    [(session_of(ME), MINE), (key_of(ME, ACCOUNT_READ), MINE), (staff_of(COLLEAGUE, *KEYS), THEIRS), (OPERATOR, MINE)],
)
async def test_a_key_is_read(service, actor, key_id):
    assert (await service.get(actor, key_id)).id == key_id


async def test_the_owners_scopes_are_looked_up_only_where_they_matter(service, keys, users):
    page = await service.page(session_of(ME), ME, PageQuery())
    assert ([key.scopes for key in page.items], users.holders_found) == ([["mine:*"]], 0)
    keys.keys[MINE].scopes = [KEYS_VERIFY, ACCOUNT_READ, CUSTOMERS_READ]
    shown = (await service.page(session_of(ME), ME, PageQuery())).items[0]
    assert (shown.scopes, shown.withheld_scopes) == ([ACCOUNT_READ], [KEYS_VERIFY, CUSTOMERS_READ])
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
        (staff_of(COLLEAGUE, *KEYS), SUPERUSERS, NotAllowed),
        (staff_of(5, *KEYS), COLLEAGUES, NotAllowed),
    ],
)
async def test_changing_a_key_is_refused(service, keys, audit, how, actor, key_id, error):
    with pytest.raises(error):
        await write(service, how, actor, key_id)
    assert (keys.calls, audit.entries) == ([], [])


@pytest.mark.parametrize("how", WRITES)
@pytest.mark.parametrize(
    ("actor", "key_id"),
    [
        (session_of(ME), MINE),
        (key_of(ME, ACCOUNT_WRITE, "mine:*", api_key_id=MINE), MINE),
        (staff_of(COLLEAGUE, *KEYS), THEIRS),
        (staff_of(COLLEAGUE, *KEYS), COLLEAGUES),
        (staff_of(SUPERUSER, is_superuser=True), COLLEAGUES),
        (OPERATOR, SUPERUSERS),
    ],
)
async def test_a_key_is_changed(service, keys, audit, how, actor, key_id):
    await write(service, how, actor, key_id)
    assert [(call[0], call[1]) for call in keys.calls] == [(call, key_id) for call in WRITES[how]]
    (entry,) = audit.entries
    assert (entry.actor, entry.target_kind, entry.target_id) == (actor, "api_key", key_id)
    assert (entry.action, entry.subject_id) == (f"api_key.{how}d", keys.keys[key_id].user_id)


async def test_a_revoked_key_stays_as_it_is(service, keys, audit):
    first = await service.revoke(session_of(ME), MINE, ApiKeyRevoke(reason="leaked"))
    assert (first.revoked_reason, audit.entries[0].after) == (
        "leaked",
        {"revoked_at": LONG_AGO, "revoked_reason": "leaked"},
    )
    assert audit.entries[0].before == {"revoked_at": None, "revoked_reason": ""}
    assert await service.revoke(session_of(ME), MINE, ApiKeyRevoke(reason="other")) == first
    assert (len(keys.calls), len(audit.entries)) == (1, 1)
    with pytest.raises(Conflict) as refusal:
        await service.rotate(session_of(ME), MINE)
    assert refusal.value.code == "API_KEY_REVOKED"


async def test_a_rotation_keeps_the_environment(service, keys, audit):
    rotated = await service.rotate(session_of(ME), MINE, 90)
    assert rotated.api_key.startswith("sk_test_")
    assert keys.calls == [
        ("expire secrets", MINE, timedelta(seconds=90)),
        ("insert secret", MINE, digest_of(rotated.api_key), rotated.api_key[:12]),
    ]
    assert audit.entries[0].after == {"grace_seconds": 90}


async def test_only_fields_that_were_sent_are_changed_and_recorded(service, keys, audit):
    await service.update(session_of(ME), MINE, ApiKeyUpdate(expires_at=None, is_active=False))
    assert keys.calls == [("update", MINE, {"expires_at": None, "is_active": False})]
    (entry,) = audit.entries
    assert (entry.before, entry.after) == (
        {"expires_at": None, "is_active": True},
        {"expires_at": None, "is_active": False},
    )


async def test_customers_list_their_own_keys_and_staff_list_all(service):
    for actor in (session_of(ME), staff_of(COLLEAGUE, *KEYS)):
        assert [key.id for key in (await service.page(actor, ME, PageQuery())).items] == [MINE]
    with pytest.raises(NotAllowed):
        await service.page(session_of(ME), OTHER, PageQuery())
    with pytest.raises(NotFound):
        await service.page(staff_of(COLLEAGUE, *KEYS), MISSING, PageQuery())


async def test_an_unknown_secret_is_not_found(keys):
    secrets: Any = keys.secrets
    with pytest.raises(NotFound):
        await KeySecrets(secrets).key_id_of("sk_live_unknown")
