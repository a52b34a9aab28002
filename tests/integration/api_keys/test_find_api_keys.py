"""API keys are found by name, visible prefix, metadata and state, in the API and in the admin."""

import json
from typing import Any

import httpx
import pytest
from django.db import connection

from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.api_keys.repositories.api_key_repository import ApiKeyRepository, KeyFilters
from apps.api_keys.services import key_format
from apps.core.database.orm import queries
from apps.users.models import User
from tests.support.accounts import colleague, customer
from tests.support.assertions import assert_error
from tests.support.factories import IssuedKey, add_secret, make_bare_key, make_key, make_staff, make_user
from tests.support.orm import make, run_in_transaction
from tests.support.staff_browser import browser_of

pytestmark = pytest.mark.integration

KEYS = "/api/v1/api-keys"
ADMIN = "/admin/api_keys/apikey/"
SECRET = f"{key_format.KEY_START}live_{'x' * 38}"


def make_keys(user: User) -> dict[str, IssuedKey]:
    """Create keys that differ in what they are found by."""
    columns: dict[str, dict[str, Any]] = {
        "café": {"name": "Café Nord", "metadata": {"customer": "42", "tags": ["a", "b"], "depth": {"x": 1}}},
        "shop": {"name": "Shop 100%", "metadata": {"customer": "43", "tags": ["b"]}},
        "off": {"name": "café süd", "metadata": {"customer": "42"}, "is_active": False},
    }
    return {name: make_bare_key(user, **fields) for name, fields in columns.items()}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"name": "caf\u00e9"}, ["café", "off"]),
        ({"name": " CAFE\u0301 "}, ["café", "off"]),
        ({"name": "0%"}, ["shop"]),
        ({"name": "%"}, ["shop"]),
        ({"name": "_"}, []),
        ({"metadata": '{"customer": "42"}'}, ["café", "off"]),
        ({"metadata": '{"customer": "42", "depth": {"x": 1}}'}, ["café"]),
        ({"metadata": '{"tags": ["b"]}'}, ["café", "shop"]),
        ({"metadata": '{"customer": 42}'}, []),
        ({"metadata": "{}"}, ["café", "shop", "off"]),
        ({"prefix": "sk_live_"}, ["café", "shop", "off"]),
        ({"prefix": "sk%"}, []),
        ({"name": "caf", "metadata": '{"customer": "42"}', "state": "active"}, ["café"]),
    ],
    ids=repr,
)
async def test_keys_are_found(api: httpx.AsyncClient, query: dict[str, str], found: list[str]):
    me, other, staff = await customer(), await customer(), await colleague()
    keys = await make(make_keys, me.user)
    await make(make_keys, other.user)
    expected = [keys[name].id for name in found]
    for path, reader in ((KEYS, me), (f"/api/v1/users/{me.id}/api-keys", staff)):
        page = (await api.get(path, params=query, headers=reader.headers)).json()
        assert ([key["id"] for key in page["items"]], page["total"]) == (expected, len(expected))
        part = (await api.get(path, params={**query, "cursor": ""}, headers=reader.headers)).json()
        assert [key["id"] for key in part["items"]] == expected


async def test_key_is_found_by_the_prefix_of_each_of_its_secrets(api: httpx.AsyncClient):
    me = await customer()
    key, _ = await make(make_key, me.user), await make(make_key, me.user)
    second = await make(add_secret, key.row)
    for secret in (key.secret, second):
        prefix = key_format.visible_prefix(secret)
        page = (await api.get(KEYS, params={"prefix": prefix}, headers=me.headers)).json()
        assert ([found["id"] for found in page["items"]], page["total"]) == ([key.id], 1)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"metadata": "customer"}, "metadata"),
        ({"metadata": "[]"}, "metadata"),
        ({"metadata": ""}, "metadata"),
        ({"metadata": '{"a": "\\u0000"}'}, "metadata"),
        ({"metadata": json.dumps({"a": "x" * 5000})}, "metadata"),
        ({"name": " "}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"prefix": "a\x00"}, "prefix"),
        ({"prefix": SECRET}, "prefix"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_invalid_filter_is_refused_without_repeating_it(
    api: httpx.AsyncClient, query: dict[str, str], field: str
):
    me = await customer()
    answer = await api.get(KEYS, params=query, headers=me.headers)
    assert_error(answer, 422, "VALIDATION_FAILED", field=field)
    assert SECRET not in answer.text


def test_admin_finds_keys_by_metadata_and_prefix():
    keys = make_keys(make_user())
    browser = browser_of(make_staff())
    for term, found in (
        ('{"customer": "42"}', {"café", "off"}),
        ('{"tags": ["a"]}', {"café"}),
        ('{"customer": "44"}', set()),
        (key_format.visible_prefix(keys["shop"].secret), {"shop"}),
    ):
        response = browser.get(ADMIN, {"q": term})
        listed = {row.pk for row in response.context["cl"].result_list}
        assert listed == {keys[name].id for name in found}, term


ACCOUNTS, KEYS_EACH = 40, 60


def fill() -> int:
    """Create keys of many accounts, and return the first of these."""
    owners = [make_user() for _ in range(ACCOUNTS)]
    new = [
        ApiKey(user=owner, name="k", metadata={"number": f"{owner.pk} {n}"})
        for owner in owners
        for n in range(KEYS_EACH)
    ]
    keys = ApiKey.objects.bulk_create(new)
    ApiKeySecret.objects.bulk_create(
        [ApiKeySecret(api_key=key, digest=f"{key.pk}".encode(), prefix=f"sk_live_{key.pk:04}") for key in keys]
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE api_keys, api_key_secrets, users")
    return owners[0].pk


@pytest.mark.usefixtures("database")
async def test_keys_of_an_account_are_found_by_an_index(monkeypatch: pytest.MonkeyPatch):
    read: list[Any] = []

    async def noted(queryset: Any) -> list[Any]:
        read.append(queryset)
        return []

    monkeypatch.setattr(queries, "fetch_all", noted)
    user_id = await make(fill)
    for filters in (KeyFilters(name="k"), KeyFilters(prefix="sk_live_0001"), KeyFilters(state="active")):
        await ApiKeyRepository().after(user_id, filters, 0, 21)
        plan = await run_in_transaction(read.pop().explain)
        assert "using api_keys_user" in plan, plan
        assert "Seq Scan on api_keys" not in plan, plan


def test_admin_finds_keys_by_an_index():
    user_id = fill()
    browser = browser_of(make_staff())
    for term, index in (
        (f'{{"number": "{user_id} 7"}}', "api_keys_metadata"),
        ("sk_live_0007", "api_key_secrets_prefix"),
    ):
        rows = browser.get(ADMIN, {"q": term}).context["cl"].queryset
        plan = rows.order_by()[:50].explain()
        assert index in plan, plan
