"""Every operation of the API and every page of the admin, for each kind of caller: exactly the table in
`docs/security.md` (ASVS 8.2). UPDATE_SNAPSHOTS=1 renews the table.
"""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.audit.models import AuditEvent
from apps.credits.models import CreditApproval, CreditBalance, CreditTransaction
from apps.mail.models import OutgoingMail
from apps.second_factors.models import TotpDevice
from apps.users.models import User
from tests.support.api_contract import Operation, operations, valid
from tests.support.factories import make_staff
from tests.support.orm import make
from tests.support.rights_scene import RightsScene, Scenes, rights_scene
from tests.support.rights_table import ALL, COLUMNS, KEYS, OTHERS, OWN, REFUSED, YES, check_column
from tests.support.sessions import sign_in
from tests.support.staff_browser import browser_of

pytestmark = pytest.mark.integration

FORBIDDEN = {"FORBIDDEN", "INSUFFICIENT_SCOPES", "NOT_AUTHENTICATED", "SECOND_FACTOR_REQUIRED"}
OWNED = {"user_id", "key_id", "session_id", "identity_id", "passkey_id", "request_id"}
# Bodies where the smallest valid one is not what the row is about, and further rows for other bodies.
BODIES: dict[str, dict[str, dict[str, Any]]] = {
    "update_own_user": {"": {"full_name": "x"}, "plan": {"plan": "free"}, "roles": {"roles": []}},
    "update_user": {
        "": {"full_name": "x"},
        "email": {"email": "new@example.com"},
        "plan": {"plan": "free"},
        "is_active": {"is_active": False},
        "roles": {"roles": []},
    },
    "post_credits": {
        "top_up": {"amount": "1"},
        "goodwill": {"amount": "1", "type": "goodwill"},
        "refund": {"amount": "1", "type": "refund"},
        "adjustment": {"amount": "-1", "type": "adjustment", "description": "x"},
    },
    "create_api_key": {
        "": {"name": "k"},
        "account:read": {"name": "k", "scopes": ["account:read"]},
        "keys:verify": {"name": "k", "scopes": ["keys:verify"]},
        "rate_limits": {"name": "k", "rate_limits": [{"name": "m", "limit": 1, "period_seconds": 60}]},
    },
    "create_user_api_key": {
        "": {"name": "k"},
        "account:read": {"name": "k", "scopes": ["account:read"]},
        "account:write": {"name": "k", "scopes": ["account:write"]},
        "rate_limits": {"name": "k", "rate_limits": [{"name": "m", "limit": 1, "period_seconds": 60}]},
    },
    "revoke_api_key": {"": {}, "keep_created_keys": {"keep_created_keys": True}},
    "update_api_key": {"": {"name": "k"}, "rate_limits": {"rate_limits": []}},
    "update_role": {"": {"name": "new name"}},
    "update_plan": {"": {"api_keys_maximum": 5}},
    "create_role": {"": {"name": "new role"}, "keys:verify": {"name": "new role", "scopes": ["keys:verify"]}},
}
# The account is deleted, so it is not the caller's own.
ONLY_OTHERS = {"restore_user"}
# The approval of credits that the scene has was asked for by a colleague of the caller.
OF_ONES_OWN_REQUEST = {"withdraw_credits"}


# --- operations of the API ------------------------------------------------------------------------------------------


def _code(answer: httpx.Response) -> str:
    if answer.is_success or not answer.headers.get("content-type", "").startswith("application/json"):
        return ""
    error = answer.json()["error"]
    return error if isinstance(error, str) else str(error["code"])


async def _send(
    api: httpx.AsyncClient, operation: Operation, scene: RightsScene, ids: dict[str, int], body: Any
) -> Any:
    path = operation.path.format(**ids, provider="acme")
    query = {"user_id": ids["user_id"]} if "user_id" in operation.parameters - set(operation.path_parameters) else {}
    if body is None:
        body = None if operation.body is None else _smallest(operation)
    return await api.request(operation.method, path, params=query, headers=scene.headers, json=body)


def _smallest(operation: Operation) -> Any:
    assert operation.body is not None
    return valid(operation.body)


async def _let_ask(scene: RightsScene) -> None:
    """Make the caller the one who has asked for the approval of credits."""
    asked = CreditApproval.objects.filter(pk=scene.own["approval_id"])
    await make(asked.update, requested_by=scene.user, user=scene.other)


async def _may(api: httpx.AsyncClient, operation: Operation, scenes: Scenes, body: Any, *, own: bool) -> bool:
    scene: RightsScene = await scenes.next()
    if operation.name in ONLY_OTHERS:
        await make(User.objects.filter(pk=scene.other.pk).update, deleted_at=timezone.now())
    if operation.name in OF_ONES_OWN_REQUEST:
        await _let_ask(scene)
    answer = await _send(api, operation, scene, scene.own if own else scene.others, body)
    assert answer.status_code < 500, f"{operation.name}: {answer.text}"
    if answer.status_code == 409 and "your own access" in answer.text:
        return False
    return _code(answer) not in FORBIDDEN and (own or answer.status_code != 404)


async def _cell(api: httpx.AsyncClient, operation: Operation, scenes: Scenes, body: Any) -> str:
    is_owned = bool(OWNED & operation.parameters)
    if not is_owned:
        return YES if await _may(api, operation, scenes, body, own=True) else REFUSED
    own = operation.name not in ONLY_OTHERS and await _may(api, operation, scenes, body, own=True)
    others = await _may(api, operation, scenes, body, own=False)
    return {(True, True): ALL, (True, False): OWN, (False, True): OTHERS, (False, False): REFUSED}[own, others]


async def _users_cell(api: httpx.AsyncClient, scenes: Scenes) -> str:
    """The list of accounts shows those that the caller may read."""
    scene: RightsScene = await scenes.next()
    answer = await api.get("/api/v1/users", params={"search": scene.other.email}, headers=scene.headers)
    if not answer.is_success:
        return REFUSED
    return ALL if scene.other.pk in {each["id"] for each in answer.json()["items"]} else OWN


async def _introspection_cell(api: httpx.AsyncClient, scenes: Scenes) -> str:
    """The endpoint authenticates its callers itself; a token that the caller may not see is inactive to it."""
    scene: RightsScene = await scenes.next()
    if not scene.headers:
        return REFUSED
    bearer = next(iter(scene.headers.values())).removeprefix("Bearer ")
    foreign = (await make(sign_in, scene.other))["Authorization"].removeprefix("Bearer ")
    headers = {"Authorization": f"Bearer {bearer}"}
    seen = [
        (await api.post("/api/v1/oauth/introspect", data={"token": token}, headers=headers)).json().get("active")
        for token in (bearer, foreign)
    ]
    return {(True, True): ALL, (True, False): OWN}[seen[0], seen[1]]


async def _exchange_cell(api: httpx.AsyncClient, scenes: Scenes) -> str:
    """The endpoint authenticates API keys itself."""
    scene: RightsScene = await scenes.next()
    secret = scene.headers.get("X-API-Key", "")
    form = {"grant_type": "client_credentials", "client_id": secret[:12], "client_secret": secret}
    answer = await api.post("/api/v1/oauth/token", data={name: value for name, value in form.items() if value})
    return YES if answer.is_success else REFUSED


async def _public_cell(api: httpx.AsyncClient, operation: Operation, scenes: Scenes) -> str:
    """A credential makes no difference."""
    scene: RightsScene = await scenes.next()
    answers = [await _send(api, operation, each, {}, None) for each in (scene, replace(scene, headers={}))]
    assert answers[0].status_code == answers[1].status_code, operation.name
    return YES


async def _cells(api: httpx.AsyncClient, operation: Operation, scenes: Scenes) -> dict[str, str]:
    row = f"`{operation.method} {operation.path.removeprefix('/api/v1')}`"
    special = {
        "list_users": _users_cell, "introspect_token": _introspection_cell, "exchange_key": _exchange_cell,
    }  # fmt: skip
    if operation.name in special:
        return {row: await special[operation.name](api, scenes)}
    if operation.is_public:
        return {row: await _public_cell(api, operation, scenes)}
    bodies = BODIES.get(operation.name, {"": None})
    return {f"{row} {variant}".strip(): await _cell(api, operation, scenes, body) for variant, body in bodies.items()}


@pytest.mark.parametrize("column", COLUMNS)
async def test_every_operation_allows_what_the_document_says(api: httpx.AsyncClient, settings: Settings, column: str):
    settings.PUBLIC_RATE_LIMIT = settings.LOGIN_RATE_LIMIT = "10000/m"
    cells: dict[str, str] = {}
    scenes = Scenes(column)
    for operation in operations().values():
        cells |= await _cells(api, operation, scenes)
    check_column("operation", column, cells)


# --- pages of the admin ---------------------------------------------------------------------------------------------

OWN_PAGES = (
    "index", "calls", "search", "own_sessions", "second_factors", "new_totp", "new_passkey", "reauthentication",
    "password_change", "password_change_done", "jsi18n", "recovery_codes",
)  # fmt: skip
# Of one account.
CUSTOMER_PAGES = (
    "customer", "customer_keys", "customer_usage", "customer_usage_export", "customer_credits", "customer_security",
    "customer_timeline", "customer_notes",
)  # fmt: skip
# Before and after a session, and redirects. The search of a list has the rights of the list, and the page of a secret
# shows one only to the browser that has made it.
NO_PAGES = {
    "login",
    "logout",
    "second_step",
    "view_on_site",
    "app_list",
    "autocomplete",
    "api_keys_apikey_secret",
    None,
}


def _rows_of(scene: RightsScene) -> dict[str, int]:
    """Return the id of a row of each model that the admin shows."""
    now = timezone.now()
    mail = OutgoingMail.objects.create(kind="test_mail", recipient="x@example.com", key="x", due_at=now, expires_at=now)
    device = TotpDevice.objects.create(user=scene.other, secret_encrypted=b"x", confirmed_at=timezone.now())
    event = AuditEvent.objects.create(actor_kind="operator", action="x", target_kind="user")
    ids = {
        "user": "user_id", "staffmember": "user_id", "apikey": "key_id", "session": "session_id",
        "identity": "identity_id", "passkey": "passkey_id", "plan": "plan_id", "role": "role_id",
        "invitation": "invitation_id",
    }  # fmt: skip
    return {
        **{model: scene.others[name] for model, name in ids.items()},
        "creditbalance": CreditBalance.objects.get(pk=scene.other.pk).pk,
        "credittransaction": CreditTransaction.objects.latest("id").pk,
        "creditapproval": scene.others["approval_id"],
        "outgoingmail": mail.pk, "totpdevice": device.pk, "auditevent": event.pk,
    }  # fmt: skip


def _pages(rows: dict[str, int]) -> dict[str, str]:
    """Return the URL of each page, by its row in the table."""
    found = {f"`{reverse(f'admin:{name}')}`": reverse(f"admin:{name}") for name in OWN_PAGES}
    found |= {f"Customer page, {name}": reverse(f"admin:{name}", args=[rows["user"]]) for name in CUSTOMER_PAGES}
    names = {*OWN_PAGES, *CUSTOMER_PAGES}
    for model, pages in sorted(admin.site._registry.items(), key=lambda each: each[0]._meta.label):
        start, row = f"{model._meta.app_label}_{model._meta.model_name}_", rows[str(model._meta.model_name)]
        own = {str(pattern.name) for pattern in pages.get_urls()} - NO_PAGES - {"None", f"{start}search"}
        names |= own
        for name in sorted(own):
            page = name.removeprefix(start)
            found[f"{model._meta.label} {page.removesuffix('_selected')}"] = _url(name, page, row)
    every = {getattr(pattern, "name", None) for pattern in admin.site.get_urls()}
    assert {name for name in every - names - NO_PAGES if not str(name).endswith("_search")} == set()
    return found


def _url(name: str, page: str, row: int) -> str:
    if page.endswith("_selected"):
        return f"{reverse(f'admin:{name}')}?id={row}"
    return reverse(f"admin:{name}", args=[] if page in {"changelist", "add"} else [row])


def _page_cell(browser: Client, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code < 500, url
    if answer.status_code == 403 or answer.headers.get("location", "").startswith("/admin/login/"):
        return REFUSED
    if url.endswith("/change/") and answer.status_code == 200:
        return "change" if answer.context["has_change_permission"] else "view"
    return YES


def _browser(column: str, scene: RightsScene) -> Client:
    if column == "anonymous" or column in KEYS:
        return Client(SERVER_NAME="keyhouse.localhost", headers=scene.headers)
    return browser_of(scene.user)


@pytest.mark.parametrize("column", COLUMNS)
def test_every_page_allows_what_the_document_says(database: None, column: str):
    scene = rights_scene(column)
    pages, browser, superuser = _pages(_rows_of(scene)), _browser(column, scene), browser_of(make_staff())
    cells = {row: _page_cell(browser, url) for row, url in pages.items()}
    offered = [row for row, url in pages.items() if _page_cell(superuser, url) != REFUSED]
    assert {row: cell for row, cell in cells.items() if row not in offered and cell != REFUSED} == {}
    check_column("page of the admin", column, {row: cells[row] for row in offered})
