"""What every operation and every entity of the API keeps, read from the OpenAPI document: new ones are tested too."""

import io
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from apps.audit.models import AuditEvent
from apps.core.request_context import NO_REQUEST, enter_request
from apps.users.models import User
from tests.support.accounts import Account, customer, superuser
from tests.support.api_contract import MISSING, Operation, operations, texts, valid
from tests.support.assertions import assert_error
from tests.support.factories import make_key
from tests.support.orm import make, rows
from tests.support.tables import every_row

pytestmark = pytest.mark.integration

PROTECTED = [operation for operation in operations().values() if not operation.is_public]
WITH_IDS = [operation for operation in PROTECTED if operation.path_parameters]
OF_ACCOUNTS = [operation for operation in WITH_IDS if operation.path_parameters[0] == "user_id"]
PAGED = [operation for operation in PROTECTED if operation.is_paged]
CHANGES = [each for each in PROTECTED if each.method != "GET" and set(each.path_parameters) <= {"user_id"}]
NEW = {each.path: each for each in PROTECTED if each.method == "POST"}
# Entities that are created by a POST, and read by their id.
ENTITIES = [each for each in PROTECTED if each.method == "GET" and each.path.rpartition("/{")[0] in NEW]
OWNED = [each for each in ENTITIES if "user_id" in each.answer["properties"]]


def each(chosen: list[Operation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", chosen, ids=[operation.name for operation in chosen])


def ids(operation: Operation, user_id: int = MISSING) -> dict[str, int]:
    return {name: user_id if name == "user_id" else MISSING for name in operation.path_parameters}


async def test_every_protected_operation_requires_a_valid_credential(api: httpx.AsyncClient, database: None):
    for operation in PROTECTED:
        for headers in ({}, {"Authorization": "Bearer x"}, {"X-API-Key": "x"}):
            refused = await operation.call(api, headers, **ids(operation))
            assert_error(refused, 401, "NOT_AUTHENTICATED")


async def test_a_key_without_scopes_is_refused_every_change(api: httpx.AsyncClient, database: None):
    me = await customer()
    key = await make(make_key, me.user, scopes=[])
    for operation in CHANGES:
        refused = await operation.call(api, {"X-API-Key": key.secret}, **ids(operation, me.id))
        assert refused.status_code == 403, f"{operation.name}: {refused.text}"
    assert await rows(AuditEvent.objects.all()) == []


async def test_every_missing_resource_is_not_found(api: httpx.AsyncClient, database: None):
    me = await superuser()
    for operation in WITH_IDS:
        assert_error(await operation.call(api, me.headers, **ids(operation)), 404, "NOT_FOUND")


async def test_another_account_is_forbidden_whether_it_exists_or_not(api: httpx.AsyncClient, database: None):
    me, other = await customer(), await customer()
    for operation in OF_ACCOUNTS:
        for user_id in (other.id, MISSING):
            assert_error(await operation.call(api, me.headers, **ids(operation, user_id)), 403, "FORBIDDEN")


@each(PAGED)
async def test_lists_page_alike(api: httpx.AsyncClient, database: None, operation: Operation):
    me = await superuser()
    path = operation.path.format(**ids(operation, me.id))
    first = (await api.get(path, headers=me.headers)).json()
    assert set(first) == {"items", "total", "page", "size", "pages"}
    assert (first["page"], first["size"]) == (1, 20)
    assert first["pages"] == -(-first["total"] // 20)
    assert len(first["items"]) == min(20, first["total"])
    beyond = await api.get(path, params={"page": 1000, "size": 100}, headers=me.headers)
    assert beyond.json() == {**first, "items": [], "page": 1000, "size": 100, "pages": -(-first["total"] // 100)}
    for name, value in (("page", "0"), ("page", "x"), ("size", "0"), ("size", "101")):
        refused = await api.get(path, params={name: value}, headers=me.headers)
        assert_error(refused, 422, "VALIDATION_FAILED", name)


@each(ENTITIES)
async def test_an_entity_can_be_read_where_it_was_created_and_what_is_secret_only_then(
    api: httpx.AsyncClient, database: None, operation: Operation
):
    me, created = await _create(api, operation)
    path = operation.path.format(**dict.fromkeys(operation.path_parameters, created["id"]))
    read = (await api.get(path, headers=me.headers)).json()
    shown_once = {name: value for name, value in created.items() if name not in read}
    assert read == {name: value for name, value in created.items() if name not in shown_once}
    assert (await _listed(api, operation, me))[created["id"]] == read
    everything = await make(every_row)
    for name, secret in shown_once.items():
        assert isinstance(secret, str), name
        assert secret not in everything
    (event,) = [event for event in await rows(AuditEvent.objects.all()) if event.target_id == created["id"]]
    assert (event.actor_id, event.action.rpartition(".")[2]) == (me.id, "created")


@each(ENTITIES)
async def test_an_entity_that_was_deleted_is_not_found(api: httpx.AsyncClient, database: None, operation: Operation):
    me, created = await _create(api, operation)
    path = operation.path.format(**dict.fromkeys(operation.path_parameters, created["id"]))
    assert (await api.delete(path, headers=me.headers)).status_code == 204
    for answer in (await api.get(path, headers=me.headers), await api.delete(path, headers=me.headers)):
        assert_error(answer, 404, "NOT_FOUND")
    assert created["id"] not in await _listed(api, operation, me)
    events = [event for event in await rows(AuditEvent.objects.order_by("id")) if event.target_id == created["id"]]
    assert [event.action.rpartition(".")[2] for event in events] == ["created", "deleted"]


@each(OWNED)
async def test_an_account_s_entity_is_its_own(api: httpx.AsyncClient, database: None, operation: Operation):
    _, created = await _create(api, operation)
    path = operation.path.format(**dict.fromkeys(operation.path_parameters, created["id"]))
    other = await customer()
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        assert_error(await api.request(method, path, json=body, headers=other.headers), 403, "FORBIDDEN")
    assert await _listed(api, operation, other) == {}


@each(OWNED)
async def test_an_account_s_entity_is_exported_and_its_erasure_leaves_nothing(
    api: httpx.AsyncClient, database: None, operation: Operation
):
    me, created = await _create(api, operation)
    words = texts(created)
    assert words
    exported = (await api.get("/api/v1/users/me/export", headers=me.headers)).text
    assert {word for word in words if word not in exported} == set()
    assert (await api.delete(f"/api/v1/users/{me.id}", headers=me.headers)).status_code == 204
    await make(User.objects.filter(pk=me.id).update, deleted_at=Now() - timedelta(days=31))
    await make(_clean_up)
    kept = await make(every_row)
    assert {word for word in words if word in kept} == set()


def _clean_up() -> None:
    enter_request(NO_REQUEST)  # a command is no part of the request that the test made before
    call_command("clean_up", "--json", stdout=io.StringIO())


async def _listed(api: httpx.AsyncClient, operation: Operation, me: Account) -> dict[int, dict[str, Any]]:
    answer = await api.get(operation.path.rpartition("/{")[0], headers=me.headers)
    return {entity["id"]: entity for entity in answer.json()["items"]}


async def _create(api: httpx.AsyncClient, operation: Operation) -> tuple[Account, dict[str, Any]]:
    """Create one as a customer, or as a superuser where customers may not."""
    creation = NEW[operation.path.rpartition("/{")[0]]
    assert creation.body is not None
    body = valid(creation.body, every_text=True)
    me = await customer()
    answer = await api.post(creation.path, json=body, headers=me.headers)
    if answer.status_code == 403:
        me = await superuser()
        answer = await api.post(creation.path, json=body, headers=me.headers)
    assert answer.status_code == 201, answer.text
    return me, answer.json()
