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
READ_BY_POST = {"explain_api_key"}  # what is asked about is not an id alone
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
        _assert_is_hidden(secret, everything)
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
    me, created = await _create(api, operation)
    other, key = await customer(), await make(make_key, me.user, scopes=[])
    before = await rows(AuditEvent.objects.all())
    for each_of_it in _operations_on(operation):
        ids = dict.fromkeys(each_of_it.path_parameters, created["id"])
        assert_error(await each_of_it.call(api, other.headers, **ids), 403, "FORBIDDEN")
        refused = await each_of_it.call(api, {"X-API-Key": key.secret}, **ids)
        assert_error(refused, 403, "INSUFFICIENT_SCOPES")
    assert await _listed(api, operation, other) == {}
    assert await rows(AuditEvent.objects.all()) == before


@each(ENTITIES)
async def test_each_change_of_an_entity_is_audited_and_its_secrets_are_shown_only_then(
    api: httpx.AsyncClient, database: None, operation: Operation
):
    for change in _operations_on(operation):
        if change.method == "GET" or change.name in READ_BY_POST:
            continue
        me, created = await _create(api, operation)
        before = len(await rows(AuditEvent.objects.all()))
        ids = dict.fromkeys(change.path_parameters, created["id"])
        answer = await change.call(api, me.headers, **ids)
        assert answer.is_success, f"{change.name}: {answer.text}"
        recorded = (await rows(AuditEvent.objects.order_by("id")))[before:]
        assert [(event.actor_id, event.target_id) for event in recorded] == [(me.id, created["id"])], change.name
        everything = await make(every_row)
        body = answer.json() if answer.content else {}
        for name in body.keys() - operation.answer["properties"].keys():
            _assert_is_hidden(body[name], everything)


@each(OWNED)
async def test_an_account_s_entity_is_exported_and_its_erasure_leaves_nothing(
    api: httpx.AsyncClient, database: None, operation: Operation
):
    me, created = await _create(api, operation)
    words = texts(created)
    assert words
    words |= await _update(api, operation, me, created["id"])
    exported = (await api.get("/api/v1/users/me/export", headers=me.headers)).text
    latest = (
        await api.get(
            operation.path.format(**dict.fromkeys(operation.path_parameters, created["id"])), headers=me.headers
        )
    ).json()
    assert {word for word in texts(latest) if word not in exported} == set()
    assert (await api.delete(f"/api/v1/users/{me.id}", headers=me.headers)).status_code == 204
    await make(User.objects.filter(pk=me.id).update, deleted_at=Now() - timedelta(days=31))
    await make(_clean_up)
    kept = await make(every_row)
    assert {word for word in words if word in kept} == set()


def _clean_up() -> None:
    enter_request(NO_REQUEST)  # a command is no part of the request that the test made before
    call_command("clean_up", "--json", stdout=io.StringIO())


def _operations_on(entity: Operation) -> list[Operation]:
    """Return the operations on one entity, deletion last."""
    found = [each for each in PROTECTED if each.path == entity.path or each.path.startswith(f"{entity.path}/")]
    return sorted(found, key=lambda operation: operation.method == "DELETE")


def _assert_is_hidden(secret: str, everything: str) -> None:
    assert secret not in everything
    assert secret.encode().hex() not in everything  # how `bytea` is written


async def _update(api: httpx.AsyncClient, entity: Operation, me: Account, entity_id: int) -> set[str]:
    """Change every text of the entity, and return the new ones."""
    found = [each for each in PROTECTED if (each.method, each.path) == ("PATCH", entity.path)]
    if not found:
        return set()
    path = entity.path.format(**dict.fromkeys(entity.path_parameters, entity_id))
    updated = await _sent(api, "PATCH", path, found[0].body, me)
    assert updated.status_code == 200, updated.text
    return texts(updated.json())


async def _sent(
    api: httpx.AsyncClient, method: str, path: str, schema: dict[str, Any] | None, me: Account
) -> httpx.Response:
    """Send a body with every text, without those lists whose items follow a rule that the schema does not state."""
    assert schema is not None
    body = valid(schema, every_text=True)
    answer = await api.request(method, path, json=body, headers=me.headers)
    while refused := {name for name in _refused(answer) if isinstance(body.get(name), list)}:
        body = {name: value for name, value in body.items() if name not in refused}
        answer = await api.request(method, path, json=body, headers=me.headers)
    return answer


def _refused(answer: httpx.Response) -> set[str]:
    details = answer.json()["error"]["details"] if answer.status_code == 422 else []
    return {detail["field"].partition(".")[0] for detail in details}


async def _listed(api: httpx.AsyncClient, operation: Operation, me: Account) -> dict[int, dict[str, Any]]:
    answer = await api.get(operation.path.rpartition("/{")[0], headers=me.headers)
    return {entity["id"]: entity for entity in answer.json()["items"]}


async def _create(api: httpx.AsyncClient, operation: Operation) -> tuple[Account, dict[str, Any]]:
    """Create one as a customer, or as a superuser where customers may not."""
    creation = NEW[operation.path.rpartition("/{")[0]]
    me = await customer()
    answer = await _sent(api, "POST", creation.path, creation.body, me)
    if answer.status_code == 403:
        me = await superuser()
        answer = await _sent(api, "POST", creation.path, creation.body, me)
    assert answer.status_code == 201, answer.text
    return me, answer.json()
