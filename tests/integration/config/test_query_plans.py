"""No operation of the API reads a large table as a whole, whatever PostgreSQL knows of the sizes of tables.

Every operation of the OpenAPI document is called on a database with many rows of everything, before PostgreSQL has any
statistics and after it has them. The plans are those that it has run, of all statements, those of triggers included.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import httpx
import psycopg
import pytest
from django.test.utils import override_settings
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.core.authorization.principal import OPERATOR, owner_of
from apps.core.database.pool import READS_WHOLE_TABLES, long_running_transaction
from apps.core.database.statements import fetch_rows
from apps.core.database.transaction import transaction
from apps.second_factors.models import TotpDevice
from apps.usage.dependencies import usage_service
from apps.verification.dependencies import call_search
from config.asgi import application
from tests.conftest import forget_signing_keys
from tests.support.accounts import superuser
from tests.support.api_contract import Operation, operations, valid
from tests.support.factories import PASSWORD, make_key, make_service_key, make_user
from tests.support.filled_database import FIRST_ID, connected_to, filled_database, large_tables
from tests.support.oauth import GRANT, OAUTH, client_of
from tests.support.orm import make
from tests.support.query_plans import EXPLAINING, ReportedPlans, explained
from tests.support.rights_scene import RightsScene, Scenes

pytestmark = pytest.mark.integration

BODIES: dict[str, dict[str, Any]] = {
    "change_password": {"current_password": PASSWORD, "new_password": f"{PASSWORD} 2"},
    "create_user": {"email": "ann@example.com", "username": "ann", "password": PASSWORD},
    "create_api_key": {"name": "k", "scopes": ["orders:read"], "budget": "5"},
    "update_own_user": {"username": "renamed"},
}
# These need what only a message, an authenticator or another provider gives. Up to there they are tested too.
STOPPED_EARLY = {
    *("review_api_keys", "revoke_reviewed_api_key", "revoke_reviewed_api_keys", "reset_password"),
    *("verify_email", "confirm_email", "cancel_email_change", "confirm_registration"),
    *("link_identity", "redeem_code", "start_sign_in", "end_sign_in", "unlink_customer_identity"),
    *("sign_in_with_passkey", "add_passkey", "complete_sign_in_with_passkey", "get_second_step_passkey_options"),
    *("complete_sign_in_with_code", "confirm_totp", "remove_totp", "reauthenticate", "restore_user"),
    "send_verification_message",  # every address in the scene is verified
}
# Tested by `_busy_paths`, with the credentials and bodies that they need.
SENT_APART = {
    *("login", "refresh", "exchange_key", "introspect_token", "revoke_token"),
    *("withdraw_credits", "remove_user_totp"),
}
# Of staff: lists with a total, for which rows are counted, and whether a role has any member that is not deleted.
READ_AS_A_WHOLE = {
    "list_users": {"users"},
    "list_invitations": {"invitations"},
    "delete_role": {"users", "users_groups"},
}


class Calls:
    """Sends requests, and collects the problems of the plans of each operation, and which operations have succeeded."""

    def __init__(self, api: httpx.AsyncClient, plans: ReportedPlans, large: frozenset[str]) -> None:
        self.problems: set[str] = set()
        self.succeeded: set[str] = set()
        self._api = api
        self._plans = plans
        self._large = large

    async def send(self, name: str, method: str, path: str, **options: Any) -> httpx.Response:
        self._plans.clear()
        response = await self._api.request(method, path, **options)
        assert response.status_code < 500, f"{name}: {response.text}"
        if response.status_code < 400:
            self.succeeded.add(name)
        large = self._large - READ_AS_A_WHOLE.get(name, set())
        self.problems |= {f"{name}: {found} in {plan.sql}" for plan in self._plans for found in plan.problems(large)}
        return response

    async def call(self, operation: Operation, scene: RightsScene, ids: dict[str, int]) -> bool:
        """Send the smallest valid request, and return whether it has succeeded."""
        is_filter = "user_id" in operation.parameters - set(operation.path_parameters)
        response = await self.send(
            operation.name,
            operation.method,
            operation.path.format(**ids, provider="acme"),
            params={"user_id": ids["user_id"]} if is_filter else None,
            headers=scene.headers,
            json=BODIES.get(operation.name) or (None if operation.body is None else valid(operation.body)),
        )
        return response.is_success


@pytest.fixture(scope="module")
def filled(_migrated_database: None, django_db_blocker: Any) -> Iterator[str]:
    """The URL of the filled database, to which Keyhouse is connected."""
    with django_db_blocker.unblock(), filled_database(os.environ["DATABASE_URL"]) as url:
        forget_signing_keys()
        with connected_to(url, EXPLAINING):
            yield url
        forget_signing_keys()


@asynccontextmanager
async def _calls(url: str) -> AsyncIterator[Calls]:
    transport, address = httpx.ASGITransport(application), "http://keyhouse.localhost"
    with explained() as plans:
        async with httpx.AsyncClient(transport=transport, base_url=address) as api:
            yield Calls(api, plans, large_tables(url))


async def _every_operation(calls: Calls) -> None:
    """Call every operation as a customer, on what is the customer's own, and if that is refused as a superuser."""
    customers, superusers = Scenes("customer"), Scenes("superuser")
    for operation in operations().values():
        if operation.name not in SENT_APART:
            scene = await customers.next()
            if not await calls.call(operation, scene, scene.own):
                scene = await superusers.next()
                await calls.call(operation, scene, scene.others)


async def _busy_paths(calls: Calls) -> None:
    """Sign in, refresh, authenticate by a key and by a token of one, and verify a key, with each kind of response."""
    user, service = await make(make_user, PASSWORD), await make(make_service_key)
    key = await make(make_key, user, scopes=["account:read", "orders:read"])
    login = {"email": user.email, "password": PASSWORD}
    signed_in = await calls.send("login", "POST", "/api/v1/auth/login", json=login)
    await calls.send("login", "POST", "/api/v1/auth/login", json={**login, "password": "wrong"})
    refresh = {"refresh_token": signed_in.json()["refresh_token"]}
    await calls.send("refresh", "POST", "/api/v1/auth/refresh", json=refresh)
    for path in ("/api/v1/users/me", "/api/v1/api-keys", "/api/v1/credits/transactions?cursor="):
        await calls.send(path, "GET", path, headers=key.headers)
    for more in ({}, {"request_id": "one"}, {"request_id": "one"}, {"scopes": ["unknown"]}, {"cost": "99"}):
        body = {"key": key.secret, **more}
        await calls.send("verify_key", "POST", "/api/v1/keys/verify", headers=service.headers, json=body)
    root, large = await superuser(), {"amount": "5", "reference_id": "large"}
    with override_settings(CREDIT_APPROVAL_ABOVE=Decimal(1)):
        asked = await calls.send("ask", "POST", f"/api/v1/users/{user.pk}/credits", headers=root.headers, json=large)
    withdrawal = f"/api/v1/credits/approvals/{asked.json()['id']}/withdraw"
    await calls.send("withdraw_credits", "POST", withdrawal, headers=root.headers)
    await make(TotpDevice.objects.create, user=user, secret_encrypted=b"x", confirmed_at=timezone.now())
    await calls.send("remove_user_totp", "DELETE", f"/api/v1/users/{user.pk}/second-factors/totp", headers=root.headers)
    by_key = {"auth": client_of(key)}
    issued = await calls.send("exchange_key", "POST", f"{OAUTH}/token", data=GRANT, **by_key)
    token = issued.json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    await calls.send("by token of a key", "GET", "/api/v1/users/me", headers=bearer)
    for name in ("introspect", "revoke"):
        await calls.send(f"{name}_token", "POST", f"{OAUTH}/{name}", data={"token": token}, **by_key)


async def test_no_operation_reads_a_large_table_as_a_whole(filled: str):
    async with _calls(filled) as calls:
        for _state in ("without statistics", "analysed"):
            await _every_operation(calls)
            await _busy_paths(calls)
            with psycopg.connect(filled, autocommit=True) as analysing:
                analysing.execute("ANALYZE")
    assert not calls.problems, "\n\n".join(sorted(calls.problems))
    assert operations().keys() - calls.succeeded == STOPPED_EARLY


async def test_no_search_for_calls_reads_a_large_table_as_a_whole(filled: str):
    large, problems = large_tables(filled), []
    assert {"refusals", "verification_answers"} <= large
    usage, owner = usage_service(), FIRST_ID + 1
    with explained() as plans:
        for _state in ("without statistics", "analysed"):
            for actor in (OPERATOR, owner_of(owner)):
                plans.clear()
                assert await call_search().find(actor, "4999" if actor is OPERATOR else "5000")
                problems += [found for plan in plans for found in plan.problems(large)]
            plans.clear()
            assert len(await usage.refused_calls_of_key(owner)) == 1
            assert len(await usage.refused_calls_of_customer(owner)) == 2
            problems += [found for plan in plans for found in plan.problems(large)]
            with psycopg.connect(filled, autocommit=True) as analysing:
                analysing.execute("ANALYZE")
    assert problems == []


async def test_plans_of_bad_statements_are_noticed(filled: str):
    """What the test above relies on: plans are reported, and judged."""
    by_status = "SELECT FROM sessions WHERE revoked_reason = %s"
    joined = "SELECT FROM users JOIN sessions ON sessions.user_id = users.id"
    with explained() as plans:
        await fetch_rows(by_status, ["stolen"])
        async with long_running_transaction() as whole:
            await whole.execute(joined)
    large = large_tables(filled)
    scanned, joined_whole = (plan.problems(large) for plan in plans if plan.sql.startswith("SELECT FROM"))
    assert scanned == ["Seq Scan of sessions"]
    assert any("Join" in problem for problem in joined_whole)  # of either kind


@pytest.mark.parametrize("pooler", ["", "transaction"])
async def test_settings_hold_for_every_connection(filled: str, settings: Settings, pooler: str):
    settings.DATABASE_POOLER = pooler
    query = "SELECT " + ", ".join(f"current_setting('{name}')" for name in READS_WHOLE_TABLES)
    assert set(*await fetch_rows(query)) == {"off"}
    async with transaction():
        assert set(*await fetch_rows(query)) == {"off"}
    async with long_running_transaction() as whole:
        assert set(*await (await whole.execute(query)).fetchall()) == {"on"}
    assert set(*await fetch_rows(query)) == {"off"}
