"""`ETag` and `If-Match` (RFC 9110, 8.8.3 and 13.1.1): no change is lost to another that has not seen it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.integration.config.test_openapi_snapshot import document
from tests.support.accounts import Account, colleague, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, give_credits, make_key, make_plan, make_role, make_service_key, make_user
from tests.support.orm import make

pytestmark = pytest.mark.integration

API = "/api/v1"
# Single resources that have no GET of their own, and so no version.
WITHOUT_GET = {f"{API}/auth/second-factors/passkeys/{{passkey_id}}"}


@dataclass(frozen=True)
class Resource:
    """A resource, a caller who may change it, and two changes."""

    path: str
    headers: dict[str, str]
    changes: tuple[dict[str, Any], dict[str, Any]]
    deleted: bool = True  # whether the caller may delete it


async def user() -> Resource:
    staff, found = await colleague(), await make(make_user)
    return Resource(f"{API}/users/{found.pk}", staff.headers, ({"full_name": "One"}, {"full_name": "Two"}))


async def own_account() -> Resource:
    me = await customer()
    return Resource(f"{API}/users/me", me.headers, ({"full_name": "One"}, {"full_name": "Two"}), deleted=False)


async def api_key() -> Resource:
    me: Account = await customer()
    key = await make(make_key, me.user)
    return Resource(f"{API}/api-keys/{key.id}", me.headers, ({"name": "one"}, {"metadata": {"a": [1, 0.5]}}))


async def plan() -> Resource:
    staff, found = await colleague(), await make(make_plan, ("minute", 5, 60))
    limits = [{"name": "hour", "limit": 9, "period_seconds": 3600}]
    return Resource(f"{API}/plans/{found.pk}", staff.headers, ({"rate_limits": limits}, {"api_keys_maximum": 3}))


async def role() -> Resource:
    staff, found = await colleague(), await make(make_role, "keys:verify")
    return Resource(f"{API}/roles/{found.pk}", staff.headers, ({"scopes": []}, {"name": "renamed"}))


EACH_RESOURCE = pytest.mark.parametrize("arrange", [user, own_account, api_key, plan, role])
Arrange = Callable[[], Awaitable[Resource]]


async def read(api: httpx.AsyncClient, resource: Resource) -> tuple[str, dict[str, Any]]:
    answer = await api.get(resource.path, headers=resource.headers)
    assert answer.status_code == 200
    return answer.headers["etag"], answer.json()


def change(api: httpx.AsyncClient, resource: Resource, number: int, *if_match: str) -> Awaitable[httpx.Response]:
    headers = [*resource.headers.items(), *(("If-Match", line) for line in if_match)]
    return api.patch(resource.path, json=resource.changes[number], headers=headers)


@EACH_RESOURCE
async def test_change_of_an_old_version_is_refused(api: httpx.AsyncClient, arrange: Arrange):
    resource = await arrange()
    tag, _ = await read(api, resource)
    assert (await read(api, resource))[0] == tag
    changed = await change(api, resource, 0, tag)
    assert changed.status_code == 200
    newer, now = await read(api, resource)
    assert (changed.headers["etag"], changed.json()) == (newer, now)
    assert newer != tag
    assert_error(await change(api, resource, 1, tag), 412, "PRECONDITION_FAILED")
    assert await read(api, resource) == (newer, now)
    assert (await change(api, resource, 1)).status_code == 200  # the header is not required


@EACH_RESOURCE
async def test_deletion_of_an_old_version_is_refused(api: httpx.AsyncClient, arrange: Arrange):
    resource = await arrange()
    if not resource.deleted:
        return
    tag, _ = await read(api, resource)
    newer = (await change(api, resource, 0)).headers["etag"]
    refused = await api.delete(resource.path, headers={**resource.headers, "If-Match": tag})
    assert_error(refused, 412, "PRECONDITION_FAILED")
    deleted = await api.delete(resource.path, headers={**resource.headers, "If-Match": newer})
    assert deleted.status_code == 204
    assert_error(await change(api, resource, 0, "*"), 404, "NOT_FOUND")


@EACH_RESOURCE
async def test_one_of_concurrent_changes_of_a_version_succeeds(api: httpx.AsyncClient, arrange: Arrange):
    resource = await arrange()
    tag, _ = await read(api, resource)
    answers = await asyncio.gather(*(change(api, resource, number % 2, tag) for number in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5
    (made,) = [answer for answer in answers if answer.status_code == 200]
    assert await read(api, resource) == (made.headers["etag"], made.json())


HEADERS: list[tuple[list[str], int]] = [
    (["*"], 200),
    ([" * "], 200),
    (["<tag>"], 200),
    (['"other", <tag>'], 200),
    (['"a,b" ,, <tag>,'], 200),
    (['"other"', "<tag>"], 200),
    (["W/<tag>"], 412),
    (['"other"'], 412),
    (['""'], 412),
    ([""], 412),
    (["<bare>"], 400),
    (["*, <tag>"], 400),
    (['"open'], 400),
    (["<tag> <tag>"], 400),
]


@pytest.mark.parametrize(("lines", "status"), HEADERS)
async def test_header_is_read_as_the_rfc_says(api: httpx.AsyncClient, lines: list[str], status: int):
    resource = await api_key()
    tag, before = await read(api, resource)
    sent = [line.replace("<tag>", tag).replace("<bare>", tag.strip('"')) for line in lines]
    answer = await change(api, resource, 0, *sent)
    assert answer.status_code == status
    if status != 200:
        assert_error(answer, status, {400: "MALFORMED_REQUEST", 412: "PRECONDITION_FAILED"}[status])
        assert (await read(api, resource))[1] == before


async def test_use_does_not_change_the_version(api: httpx.AsyncClient):
    me, service = await customer(password=PASSWORD), await make(make_service_key)
    key = await make(make_key, me.user)
    await make(give_credits, me.user, 5)
    paths = [f"{API}/users/me", f"{API}/api-keys/{key.id}"]
    before = [await api.get(path, headers=me.headers) for path in paths]
    await api.post(f"{API}/keys/verify", json={"key": key.secret, "cost": "1"}, headers=service.headers)
    await api.post(f"{API}/auth/login", json={"email": me.user.email, "password": PASSWORD})
    after = [await api.get(path, headers=me.headers) for path in paths]
    assert [one.json() == two.json() for one, two in zip(before, after, strict=True)] == [False, False]
    assert [one.headers["etag"] for one in before] == [two.headers["etag"] for two in after]


async def test_lists_and_errors_have_no_version(api: httpx.AsyncClient):
    me = await customer()
    for path in (f"{API}/api-keys", f"{API}/api-keys/{2**40}"):
        assert "etag" not in (await api.get(path, headers=me.headers)).headers


async def test_created_resources_have_their_version(api: httpx.AsyncClient):
    me = await customer()
    created = await api.post(f"{API}/api-keys", json={"name": "k"}, headers=me.headers)
    found = await api.get(f"{API}/api-keys/{created.json()['id']}", headers=me.headers)
    assert created.headers["etag"] == found.headers["etag"]


async def test_rights_are_checked_before_the_version(api: httpx.AsyncClient):
    resource, other = await api_key(), await customer()
    answer = await api.patch(resource.path, json={"name": "x"}, headers={**other.headers, "If-Match": '"old"'})
    assert_error(answer, 403, "FORBIDDEN")


def test_every_single_resource_documents_its_version():
    for path, methods in document()["paths"].items():
        changes = {method: methods[method] for method in ("patch", "delete") if method in methods}
        if "patch" in changes and path not in WITHOUT_GET:
            assert "ETag" in methods["get"]["responses"]["200"]["headers"], path
        if "get" in methods and "ETag" in methods["get"]["responses"].get("200", {}).get("headers", {}):
            for operation in changes.values():
                assert "If-Match" in [each["name"] for each in operation["parameters"]], path
                assert "412" in operation["responses"], path
