"""Lists that grow without end, by cursor: each row once and in order, whatever is added meanwhile, by an index."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import connection
from django.utils import timezone

from apps.api_keys.models import ApiKey
from apps.api_keys.repositories.api_key_repository import NO_FILTERS, ApiKeyRepository
from apps.audit.models import AuditEvent
from apps.audit.repositories.audit_event_repository import AuditEventRepository
from apps.authentication.models import Session
from apps.authentication.repositories.live_session_repository import LiveSessionRepository
from apps.core.database.orm import queries
from apps.core.schemas.page import _check, cursor_after
from apps.credits.models import CreditTransaction
from apps.credits.repositories.credit_repository import CreditRepository
from apps.users.models import Invitation, User
from tests.integration.config.test_openapi_snapshot import document
from tests.support.accounts import Account, colleague, customer
from tests.support.assertions import assert_error
from tests.support.factories import make_bare_key, make_user
from tests.support.orm import make, run_in_transaction
from tests.support.sessions import sign_in

pytestmark = pytest.mark.integration

API = "/api/v1"


def add_entries(user: User, count: int = 1) -> None:
    """Add entries to the ledger."""
    for _ in range(count):
        CreditTransaction.objects.create(user=user, type="top_up", amount=1, balance_after=1)


def add_events(user: User, count: int = 1) -> None:
    """Add events to the audit trail."""
    event = {"action": "x.done", "subject_id": user.pk, "actor_kind": "operator", "target_kind": "user"}
    for _ in range(count):
        AuditEvent.objects.create(**event)


def add_keys(user: User, count: int = 1) -> None:
    """Add API keys."""
    for _ in range(count):
        make_bare_key(user)


def add_sessions(user: User, count: int = 1) -> None:
    """Add sessions."""
    for _ in range(count):
        sign_in(user)


def add_users(_user: User, count: int = 1) -> None:
    """Add accounts."""
    for _ in range(count):
        make_user()


def add_invitations(_user: User, count: int = 1) -> None:
    """Add invitations."""
    for _ in range(count):
        Invitation.objects.create(email="ann@example.com", expires_at=timezone.now())


@dataclass(frozen=True)
class List:
    """A list; `<id>` in its path is the account whose rows it has."""

    path: str
    add: Callable[..., None]
    newest_first: bool = True
    is_for_staff: bool = False


LISTS = [
    List("/credits/transactions", add_entries),
    List("/credits/transactions?type=top_up", add_entries),
    List("/auth/events", add_events),
    List("/auth/sessions", add_sessions),
    List("/users/<id>/sessions", add_sessions, is_for_staff=True),
    List("/api-keys", add_keys, newest_first=False),
    List("/api-keys?state=active", add_keys, newest_first=False),
    List("/api-keys?name=KE&prefix=sk_&metadata={}", add_keys, newest_first=False),
    List("/users/<id>/api-keys", add_keys, newest_first=False, is_for_staff=True),
    List("/users", add_users, newest_first=False, is_for_staff=True),
    List("/invitations", add_invitations, is_for_staff=True),
]
EACH_LIST = pytest.mark.parametrize("each", LISTS, ids=lambda each: each.path)


async def arrange(each: List) -> tuple[str, Account, Account]:
    """Return the path, the reader and the account whose rows the list has."""
    owner = await customer()
    reader = await colleague() if each.is_for_staff else owner
    return f"{API}{each.path.replace('<id>', str(owner.id))}", reader, owner


async def part(api: httpx.AsyncClient, path: str, reader: Account, **query: Any) -> dict[str, Any]:
    answer = await api.get(httpx.URL(path).copy_merge_params(query), headers=reader.headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@EACH_LIST
async def test_each_row_is_returned_once_while_rows_are_added(api: httpx.AsyncClient, each: List):
    path, reader, owner = await arrange(each)
    await make(each.add, owner.user, 4)
    there = [item["id"] for item in (await part(api, path, reader, size=100))["items"]]
    found: list[int] = []
    cursor: str | None = ""
    parts = 0
    while cursor is not None:
        answer = await part(api, path, reader, size=2, cursor=cursor)
        assert set(answer) == {"items", "next_cursor"}
        assert len(answer["items"]) <= 2
        found += [item["id"] for item in answer["items"]]
        cursor, parts = answer["next_cursor"], parts + 1
        if parts <= 2:
            await make(each.add, owner.user)
    assert found == sorted(found, reverse=each.newest_first)
    assert len(set(found)) == len(found)
    assert [row_id for row_id in found if row_id in there] == there
    assert (set(found) == set(there)) is each.newest_first  # what is added later comes before, or at the end


@EACH_LIST
async def test_pages_stay_beside_cursors(api: httpx.AsyncClient, each: List):
    path, reader, owner = await arrange(each)
    await make(each.add, owner.user, 3)
    page = await part(api, path, reader, page=1, size=100)
    assert set(page) == {"items", "total", "page", "size", "pages"}
    whole = await part(api, path, reader, cursor="", size=100)
    assert whole == {"items": page["items"], "next_cursor": None}


BAD = {
    "no cursor": "abc",
    "a number": "5",
    "no base64": "%",
    "cut": cursor_after(5)[:-1],
    "padded": cursor_after(5) + "=",
    "with other characters": "@@" + cursor_after(5),
    "changed": urlsafe_b64encode((6).to_bytes(8) + _check((5).to_bytes(8))).decode(),
    "an id that is too large": urlsafe_b64encode(b"\xff" * 8 + _check(b"\xff" * 8)).decode(),
    "no id": urlsafe_b64encode(bytes(8) + _check(bytes(8))).decode(),
    "blank": " ",
    "not ASCII": "ü",
    "NUL": "\x00",
}


@pytest.mark.parametrize("cursor", BAD.values(), ids=BAD)
async def test_bad_cursor_is_refused(api: httpx.AsyncClient, cursor: str):
    me = await customer()
    answer = await api.get(f"{API}/credits/transactions", params={"cursor": cursor}, headers=me.headers)
    assert_error(answer, 422, "VALIDATION_FAILED", field="cursor")


async def test_page_and_cursor_exclude_each_other(api: httpx.AsyncClient):
    me = await customer()
    answer = await api.get(f"{API}/api-keys", params={"cursor": "", "page": 1}, headers=me.headers)
    assert_error(answer, 422, "VALIDATION_FAILED")


async def test_cursor_shows_only_what_the_caller_may_read(api: httpx.AsyncClient):
    me, other = await customer(), await customer()
    await make(add_keys, other.user, 3)
    await make(add_keys, me.user, 1)
    theirs = await part(api, f"{API}/api-keys", other, cursor="", size=1)
    found = await part(api, f"{API}/api-keys", me, cursor=theirs["next_cursor"])
    assert {key["user_id"] for key in found["items"]} == {me.id}
    answer = await api.get(f"{API}/users/{other.id}/api-keys", params={"cursor": ""}, headers=me.headers)
    assert_error(answer, 403, "FORBIDDEN")


ACCOUNTS, ROWS = 40, 100
FILLED = [
    (lambda user, last: CreditRepository().after(user, last, 21), "credit_transactions_user"),
    (lambda user, last: AuditEventRepository().after(user, [], last, 21), "audit_events_subject"),
    (lambda user, last: LiveSessionRepository().after(user, last, 21), "sessions_user"),
    (lambda user, last: ApiKeyRepository().after(user, NO_FILTERS, last, 21), "api_keys_user"),
]


def fill(user: User) -> None:
    """Give the account and others rows, so that an index of the account is worth while."""
    for owner in [user, *(make_user() for _ in range(ACCOUNTS))]:
        CreditTransaction.objects.bulk_create(
            [CreditTransaction(user=owner, type="top_up", amount=1, balance_after=1) for _ in range(ROWS)]
        )
        event = {"action": "x.done", "subject_id": owner.pk, "actor_kind": "operator", "target_kind": "user"}
        AuditEvent.objects.bulk_create([AuditEvent(**event) for _ in range(ROWS)])
        times = {"last_used_at": timezone.now(), "expires_at": timezone.now() + timedelta(days=1)}
        Session.objects.bulk_create(
            [Session(user=owner, family_digest=f"{owner.pk} {n}".encode(), **times) for n in range(ROWS)]
        )
        ApiKey.objects.bulk_create([ApiKey(user=owner, name="k") for _ in range(ROWS)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@pytest.mark.usefixtures("database")
async def test_part_is_read_by_an_index(monkeypatch: pytest.MonkeyPatch):
    read = []

    async def noted(queryset: Any) -> list[Any]:
        read.append(queryset)
        return []

    monkeypatch.setattr(queries, "fetch_all", noted)
    user = await make(make_user)
    await make(fill, user)
    after: Callable[[int, int], Awaitable[Any]]
    for after, index in FILLED:
        table = index.rsplit("_", 1)[0]
        await after(user.pk, await make(middle_of, table, user))
        plan = await run_in_transaction(read.pop().explain)
        assert f"using {index}" in plan, plan
        assert not re.search(rf"-> +Sort .*\n +Sort Key: {table}\.", plan), plan


def middle_of(table: str, user: User) -> int:
    """Return the id in the middle of the account's rows."""
    owner = "subject_id" if table == "audit_events" else "user_id"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY id) FROM {table} WHERE {owner} = %s", [user.pk]
        )
        return int(cursor.fetchone()[0])


def test_every_list_is_documented_by_page_or_by_both():
    for path in {each.path.split("?", 1)[0].replace("<id>", "{user_id}") for each in LISTS}:
        operation = document()["paths"][f"{API}{path}"]["get"]
        assert {"page", "cursor", "size"} <= {each["name"] for each in operation["parameters"]}, path
