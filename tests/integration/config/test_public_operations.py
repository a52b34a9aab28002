"""Every operation that needs no credential is rate limited per client address."""

import json
from typing import Any

import httpx
import pytest
from pytest_django.fixtures import Settings

from config.api import openapi_bytes

TOKEN = "A" * 43
PASSWORD = "correct horse battery staple"
LINK: dict[str, Any] = {"json": {"token": TOKEN}}
STEP = {"second_factor_token": TOKEN}
PASSKEY = {
    "challenge": TOKEN,
    "credential": {
        "id": "AAAA",
        "rawId": "AAAA",
        "type": "public-key",
        "response": {"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA"},
    },
}
# Requests that reach the operation itself.
REQUESTS: dict[str, dict[str, Any]] = {
    "get_sign_in_passkey_options": {},
    "get_second_step_passkey_options": {"json": STEP},
    "cancel_email_change": LINK,
    "complete_sign_in_with_code": {"json": {**STEP, "code": "123456"}},
    "complete_sign_in_with_passkey": {"json": {**STEP, **PASSKEY}},
    "confirm_email": LINK,
    "confirm_registration": {"json": {"token": TOKEN, "password": PASSWORD}},
    "create_user": {"json": {"email": "ann@example.com", "username": "ann", "password": PASSWORD}},
    "end_sign_in": {"params": {"state": TOKEN, "code": "1"}},
    "exchange_key": {"data": {"grant_type": "client_credentials"}},
    "forgot_password": {"json": {"email": "ann@example.com"}},
    "introspect_token": {"data": {"token": TOKEN}},
    "login": {"json": {"email": "ann@example.com", "password": PASSWORD}},
    "redeem_code": {"json": {"code": TOKEN, "code_verifier": TOKEN}},
    "refresh": {"json": {"refresh_token": TOKEN}},
    "reset_password": {"json": {"token": TOKEN, "new_password": PASSWORD}},
    "review_api_keys": LINK,
    "revoke_reviewed_api_key": {"json": {"token": TOKEN, "key_id": 1}},
    "revoke_reviewed_api_keys": LINK,
    "revoke_token": {"data": {"token": TOKEN}},
    "sign_in_with_passkey": {"json": PASSKEY},
    "start_sign_in": {"params": {"return_to": "https://app.example.com", "code_challenge": TOKEN}},
    "verify_email": {"json": {"token": TOKEN, "password": PASSWORD}},
}
UNLIMITED = {
    "get_key_set": "services that verify tokens fetch it, and keep it for minutes; it contains no secret",
    "get_server_metadata": "a static document of settings, served without the database",
    "list_providers": "a static document of settings, served without the database",
    "get_liveness": "load balancers call it every second; it needs no database",
    "get_readiness": "load balancers call it every second, all from one address",
}


def public_operations() -> dict[str, tuple[str, str]]:
    """Return the method and the path of each operation that needs no credential, by its name."""
    paths: dict[str, dict[str, Any]] = json.loads(openapi_bytes())["paths"]
    return {
        operation["operationId"]: (method, path)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if not operation.get("security")
    }


def test_every_public_operation_is_tested_or_excepted():
    public, listed = set(public_operations()), set(REQUESTS) | set(UNLIMITED)
    assert sorted(public - listed) == [], "add these to REQUESTS, or with a reason to UNLIMITED"
    assert sorted(listed - public) == [], "these need a credential, or do not exist: remove them"
    assert sorted(set(REQUESTS) & set(UNLIMITED)) == [], "these are in both"


@pytest.mark.parametrize("name", sorted(REQUESTS))
async def test_operation_is_limited_per_address(api: httpx.AsyncClient, settings: Settings, name: str):
    settings.LOGIN_RATE_LIMIT = settings.PUBLIC_RATE_LIMIT = "1/h"
    method, path = public_operations()[name]
    first, second = [await api.request(method, path.replace("{provider}", "acme"), **REQUESTS[name]) for _ in range(2)]
    assert first.status_code not in {422, 429}, first.text
    assert second.status_code == 429, second.text
    assert int(second.headers["retry-after"]) >= 1


@pytest.mark.parametrize("name", sorted(UNLIMITED))
async def test_exceptions_are_not_limited(api: httpx.AsyncClient, settings: Settings, name: str):
    settings.LOGIN_RATE_LIMIT = settings.PUBLIC_RATE_LIMIT = "1/h"
    method, path = public_operations()[name]
    assert [(await api.request(method, path)).status_code for _ in range(3)] == [200] * 3
