"""Requirements of operations are enforced, and stated in the OpenAPI document."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from ninja import NinjaAPI, Router
from ninja.security import HttpBearer
from ninja.testing import TestAsyncClient

from apps.core.errors import InsufficientScopes, NotAllowed, NotAuthenticated
from apps.core.http.error_responses import install_error_handlers
from apps.core.http.requirements import RequirementsSchema, require_roles, require_scopes
from tests.support.callers import key_of, session_of

pytestmark = pytest.mark.unit


async def view(request: Any, name: str) -> str:
    """Say hello."""
    return name


def request_of(**fields: Any) -> Any:
    return SimpleNamespace(**fields)


@pytest.mark.parametrize(
    ("guard", "caller", "error"),
    [
        (require_scopes("a:b", "c"), key_of(1, "a:*", "c"), None),
        (require_scopes("a:b", "c"), key_of(1, "a:*"), InsufficientScopes),
        (require_scopes("keys:verify"), key_of(1, "keys:*"), InsufficientScopes),
        (require_scopes("keys:verify"), session_of(1), InsufficientScopes),
        (require_scopes("keys:verify"), session_of(1, scopes=frozenset({"keys:verify"})), None),
        (require_scopes("account:read"), session_of(1), None),
        (require_roles("auditor", "service"), session_of(1, roles=frozenset({"service"})), None),
        (require_roles("auditor"), session_of(1, roles=frozenset({"service"})), NotAllowed),
        (require_roles("service"), key_of(1, "keys:verify"), NotAllowed),
    ],
)
async def test_caller_without_requirement_is_rejected(guard, caller, error):
    guarded = guard(view)
    if error is None:
        assert await guarded(request_of(auth=caller), name="x") == "x"
    else:
        with pytest.raises(NotAllowed) as raised:
            await guarded(request_of(auth=caller), name="x")
        assert type(raised.value) is error


async def test_all_requirements_must_be_met():
    guarded = require_roles("auditor")(require_scopes("a")(view))
    for caller in (session_of(1, roles=frozenset({"auditor"})), session_of(1, scopes=frozenset({"a"}))):
        with pytest.raises(NotAllowed):
            await guarded(request_of(auth=caller), name="x")
    both = session_of(1, roles=frozenset({"auditor"}), scopes=frozenset({"a"}))
    assert await guarded(request_of(auth=both), name="x") == "x"


@pytest.mark.parametrize("request_without", [request_of(), request_of(auth=None)])
async def test_requirement_on_public_operation_always_fails(request_without):
    for guard in (require_scopes("a"), require_roles("a")):
        with pytest.raises(NotAuthenticated):
            await guard(view)(request_without, name="x")


class Bearer(HttpBearer):
    async def authenticate(self, request: Any, token: str) -> None:
        return None


def test_openapi_document_states_requirements():
    router = Router(auth=Bearer())
    router.add_decorator(require_scopes("a:read"))
    router.get("/plain")(view)

    @router.get("/guarded")
    @require_scopes("a:write", "a:read")
    @require_roles("auditor", "service")
    async def change(request: Any, name: str) -> str:
        return name

    api = NinjaAPI(urls_namespace="requirements", openapi_url=None, docs_url=None)
    api.add_router("/x", router)
    paths = RequirementsSchema(api, "")["paths"]
    plain, guarded = paths["/x/plain"]["get"], paths["/x/guarded"]["get"]
    assert plain["description"] == "Say hello.\n\nRequires the scope `a:read`."
    assert plain["security"] == [{"Bearer": ["a:read"]}]
    assert guarded["security"] == [{"Bearer": ["a:read", "a:write"]}]
    assert guarded["description"] == (
        "Requires the scope `a:read` and the scope `a:write` and a user with the role `auditor` or `service`."
    )


class RoleBearer(HttpBearer):
    """Authenticates a session with the roles named in the token."""

    async def authenticate(self, request: Any, token: str) -> Any:
        return session_of(1, roles=frozenset(token.split(",")))


@pytest.mark.parametrize(("roles", "status", "code"), [("auditor,x", 200, None), ("x", 403, "FORBIDDEN")])
async def test_missing_role_returns_the_error_envelope(roles: str, status: int, code: str | None):
    router = Router(auth=RoleBearer())
    router.add_decorator(require_roles("auditor"))
    router.get("/plain")(view)
    api = NinjaAPI(urls_namespace="envelopes", openapi_url=None, docs_url=None)
    install_error_handlers(api)
    api.add_router("/x", router)
    client: Any = TestAsyncClient(api)
    response = await client.get("/x/plain?name=y", headers={"Authorization": f"Bearer {roles}"})
    assert response.status_code == status
    assert (json.loads(response.content)["error"]["code"] if code else None) == code
