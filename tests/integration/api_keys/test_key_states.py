"""The state of API keys, in every answer that shows a key and in the admin."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from apps.api_keys.models import ApiKey
from apps.users.models import User
from tests.support.accounts import Account, colleague, customer
from tests.support.assertions import assert_error
from tests.support.factories import IssuedKey, make_key, make_service_key, make_staff, make_user
from tests.support.orm import make
from tests.support.staff_browser import browser_of

pytestmark = pytest.mark.integration

KEYS = "/api/v1/api-keys"
PAST, FUTURE = timezone.now() - timedelta(days=1), timezone.now() + timedelta(days=1)
# The columns of a key, its state, and the verdict on it.
OWN_STATES: list[tuple[dict[str, Any], str, str]] = [
    ({}, "active", "VALID"),
    ({"expires_at": FUTURE}, "active", "VALID"),
    ({"is_active": False}, "disabled", "DISABLED"),
    ({"is_active": False, "expires_at": PAST}, "disabled", "DISABLED"),
    ({"expires_at": PAST}, "expired", "EXPIRED"),
    ({"revoked_at": PAST}, "revoked", "DISABLED"),
    ({"revoked_at": PAST, "expires_at": PAST, "is_active": False}, "revoked", "DISABLED"),
]
SUSPENSIONS: list[dict[str, Any]] = [{"is_active": False}, {"locked_until": FUTURE}]


async def verdict_on(api: httpx.AsyncClient, key: IssuedKey) -> str:
    service = await make(make_service_key)
    answer = await api.post("/api/v1/keys/verify", json={"key": key.secret}, headers=service.headers)
    return str(answer.json()["code"])


async def shown_everywhere(api: httpx.AsyncClient, key: IssuedKey, reader: Account, owner_id: int) -> list[Any]:
    """Return the key as each answer shows it to the reader."""
    headers = reader.headers
    return [
        (await api.get(f"{KEYS}/{key.id}", headers=headers)).json(),
        *(await api.get(f"/api/v1/users/{owner_id}/api-keys", headers=headers)).json()["items"],
        (await api.patch(f"{KEYS}/{key.id}", json={"name": "renamed"}, headers=headers)).json(),
    ]


@pytest.mark.parametrize(("columns", "state", "code"), OWN_STATES)
async def test_state_says_what_verification_decides(api: httpx.AsyncClient, columns, state, code):
    me = await customer()
    key = await make(make_key, me.user, **columns)
    assert await verdict_on(api, key) == code
    found = await shown_everywhere(api, key, me, me.id)
    found += (await api.get(KEYS, headers=me.headers)).json()["items"]
    found += (await api.get("/api/v1/users/me/export", headers=me.headers)).json()["data"]["api_keys"]["items"]
    assert [(each["state"], each["is_active"]) for each in found] == [(state, state == "active")] * 5


@pytest.mark.parametrize("suspension", SUSPENSIONS)
async def test_keys_of_a_suspended_owner_are_not_active(api: httpx.AsyncClient, suspension):
    staff, owner = await colleague(), await make(make_user)
    key, off = await make(make_key, owner), await make(make_key, owner, is_active=False)
    await make(User.objects.filter(pk=owner.pk).update, **suspension)
    assert await verdict_on(api, key) == "FORBIDDEN"
    listed = (await api.get(f"/api/v1/users/{owner.pk}/api-keys", headers=staff.headers)).json()["items"]
    states = {each["id"]: (each["state"], each["is_active"]) for each in listed}
    assert states == {key.id: ("owner_suspended", False), off.id: ("disabled", False)}


async def test_own_changes_return_the_new_state(api: httpx.AsyncClient):
    me = await customer()
    created = (await api.post(KEYS, json={"name": "laptop"}, headers=me.headers)).json()
    path = f"{KEYS}/{created['id']}"
    found = [created]
    for method, below, body in (
        ("PATCH", "", {"is_active": False}),
        ("PATCH", "", {"is_active": True}),
        ("POST", "/rotate", {}),
        ("POST", "/revoke", {}),
    ):
        found += [(await api.request(method, f"{path}{below}", json=body, headers=me.headers)).json()]
    assert [each["state"] for each in found] == ["active", "disabled", "active", "active", "revoked"]
    assert [each["is_active"] for each in found] == [True, False, True, True, False]


async def test_keys_are_listed_by_state(api: httpx.AsyncClient):
    me = await customer()
    by_state: dict[str, list[int]] = {}
    for columns, state, _ in OWN_STATES:
        by_state.setdefault(state, []).append((await make(make_key, me.user, **columns)).id)
    for state, ids in by_state.items():
        for path in (KEYS, f"/api/v1/users/{me.id}/api-keys"):
            page = (await api.get(path, params={"state": state}, headers=me.headers)).json()
            assert ([key["id"] for key in page["items"]], page["total"]) == (ids, len(ids))
    assert_error(await api.get(KEYS, params={"state": "deleted"}, headers=me.headers), 422, "VALIDATION_FAILED")


def test_command_prints_the_state(capsys: pytest.CaptureFixture[str]):
    owner = make_user(email="ann@example.com")
    make_key(owner)
    make_key(owner, expires_at=PAST)
    call_command("list_api_keys", "--user", "ann@example.com")
    assert [line.split("\t")[3] for line in capsys.readouterr().out.splitlines()] == ["active", "expired"]
    User.objects.filter(pk=owner.pk).update(is_active=False)
    call_command("list_api_keys", "--user", "ann@example.com", "--json")
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(key["state"], key["is_active"]) for key in printed] == [("owner_suspended", False), ("expired", False)]


def test_admin_shows_and_filters_the_state(browser: Client):
    key = make_key(name="of a suspended owner")
    User.objects.filter(pk=key.row.user_id).update(is_active=False)
    make_key(name="usable")
    page = browser.get("/admin/api_keys/apikey/", {"state": ApiKey.State.OWNER_SUSPENDED}).content.decode()
    assert "of a suspended owner" in page
    assert "usable" not in page
    assert '<span class="badge owner_suspended">Owner suspended</span>' in page


@pytest.fixture
def browser() -> Client:
    return browser_of(make_staff())
