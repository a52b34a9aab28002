"""Staff extend the expiry of keys: from their end or, if they have expired, from now, and once for each form."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.api_keys.dependencies import key_extension
from apps.api_keys.models import ApiKey
from apps.api_keys.schemas.api_key import ApiKeyExtend
from apps.api_keys.services.api_key_service import ApiKeyRevoked
from apps.core.errors import Conflict, InsufficientScopes, NotAllowed, NotFound
from apps.core.event_loop import call_service
from tests.integration.backoffice.pages import KEYS, form_errors, only_event, text_of
from tests.support.accounts import audited
from tests.support.callers import key_of, staff_of
from tests.support.factories import IssuedKey, make_key, make_staff, make_user
from tests.support.orm import make, rows
from tests.support.staff_browser import browser_of

pytestmark = pytest.mark.usefixtures("database")

DAY = timedelta(days=1)
SUPPORT = staff_of(1, "keys:read", "keys:write")
MONTH = ApiKeyExtend(days=30)


async def end_of(key: IssuedKey) -> datetime:
    (row,) = await rows(ApiKey.objects.filter(pk=key.id))
    assert row.expires_at is not None
    return row.expires_at


async def test_key_is_extended_from_its_end():
    end = timezone.now() + 3 * DAY
    key = await make(make_key, expires_at=end)
    extended = await key_extension().extend(SUPPORT, key.id, MONTH)
    assert extended.expires_at == await end_of(key) == end + 30 * DAY
    assert await audited() == [("api_key.updated", key.id, 1)]


async def test_expired_key_is_extended_from_now_and_can_be_used_again():
    key = await make(make_key, expires_at=timezone.now() - 100 * DAY)
    extended = await key_extension().extend(SUPPORT, key.id, MONTH)
    assert extended.state == "active"
    assert abs(await end_of(key) - timezone.now() - 30 * DAY) < timedelta(minutes=1)


async def test_the_same_form_extends_once():
    end = timezone.now() + DAY
    key = await make(make_key, expires_at=end)
    first = await key_extension().extend(SUPPORT, key.id, MONTH, "form 1")
    assert await key_extension().extend(SUPPORT, key.id, MONTH, "form 1") == first
    assert await end_of(key) == end + 30 * DAY
    await key_extension().extend(SUPPORT, key.id, MONTH, "form 2")
    assert await end_of(key) == end + 60 * DAY


async def test_two_at_once_extend_twice():
    """None is lost: each begins at the end that the other has set."""
    end = timezone.now() + DAY
    key = await make(make_key, expires_at=end)
    await asyncio.gather(*(key_extension().extend(SUPPORT, key.id, MONTH, f"form {number}") for number in range(4)))
    assert await end_of(key) == end + 120 * DAY


async def test_key_without_an_end_or_that_is_revoked_is_not_extended():
    endless, revoked = await make(make_key), await make(make_key, expires_at=timezone.now(), revoked_at=timezone.now())
    with pytest.raises(Conflict, match="never expires"):
        await key_extension().extend(SUPPORT, endless.id, MONTH)
    with pytest.raises(ApiKeyRevoked):
        await key_extension().extend(SUPPORT, revoked.id, MONTH)
    with pytest.raises(NotFound):
        await key_extension().extend(SUPPORT, 2**40, MONTH)
    assert await audited() == []


async def test_end_beyond_the_last_date_is_refused():
    end = datetime(9999, 12, 20, tzinfo=UTC)
    key = await make(make_key, expires_at=end)
    with pytest.raises(Conflict, match="too late"):
        await key_extension().extend(SUPPORT, key.id, MONTH)
    assert await end_of(key) == end


async def test_rights_are_those_of_a_change():
    key = await make(make_key, expires_at=timezone.now() + DAY)
    with pytest.raises(InsufficientScopes):
        await key_extension().extend(staff_of(1, "keys:read"), key.id, MONTH)
    own = key_of(key.row.user_id, "account:write", api_key_id=key.id)
    with pytest.raises(NotAllowed, match="cannot extend"):
        await key_extension().extend(own, key.id, MONTH)


def test_staff_extend_in_the_admin():
    staff = make_staff(email="root@example.com", username="root")
    browser, end = browser_of(staff), timezone.now() + DAY
    key, endless = make_key(expires_at=end, name="laptop"), make_key()
    page = f"{KEYS}extend/?id={key.id}"
    assert "90 days" in text_of(browser.get(page))
    assert form_errors(browser.post(page, {"days": "31", "reason": "asked for it"})).keys() == {"days"}
    answer = browser.post(page, {"days": "90", "reason": "asked for it"}, follow=True)
    assert "“laptop” extended." in text_of(answer)
    assert ApiKey.objects.get(pk=key.id).expires_at == end + 90 * DAY
    event = only_event(action="api_key.updated")
    assert (event.actor_id, event.reason, set(event.after)) == (staff.pk, "asked for it", {"expires_at"})
    assert f"{KEYS}extend/?id={key.id}" in text_of(browser.get(f"{KEYS}{key.id}/change/"))
    assert f"{KEYS}extend/?id={endless.id}" not in text_of(browser.get(f"{KEYS}{endless.id}/change/"))


def test_several_keys_are_extended_by_one_form():
    browser, end = browser_of(make_staff()), timezone.now() + DAY
    user = make_user()
    keys = [make_key(user, expires_at=end) for _ in range(3)]
    query = "&".join(f"id={key.id}" for key in keys)
    browser.post(f"{KEYS}extend/?{query}", {"days": "30", "reason": "asked for it"})
    assert set(ApiKey.objects.values_list("expires_at", flat=True)) == {end + 30 * DAY}
    assert call_service(audited) != []
