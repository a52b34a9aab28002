"""Internal notes about customers: for staff, and for staff alone."""

import asyncio
from typing import Any

import httpx
import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.users.models import AccountNote
from tests.support.accounts import Account, audited, colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import make_user
from tests.support.orm import make, rows

pytestmark = pytest.mark.integration

API = "/api/v1"
TEXT = "Called about the invoice of May.\nWants to be called back."


def _notes(account: Account | int) -> str:
    return f"{API}/users/{account if isinstance(account, int) else account.id}/notes"


async def _add(api: httpx.AsyncClient, about: Account, staff: Account, text: str = TEXT) -> dict[str, Any]:
    response = await api.post(_notes(about), json={"text": text}, headers=staff.headers)
    assert response.status_code == 201, response.text
    added: dict[str, Any] = response.json()
    return added


async def test_notes_are_listed_newest_first_with_their_authors(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague("customers:read", "customers:note", email="sue@example.com")
    first, second = await _add(api, me, staff), await _add(api, me, staff, "second")
    assert (first["text"], first["author_id"], first["author_email"]) == (TEXT, staff.id, "sue@example.com")
    page = (await api.get(_notes(me), headers=staff.headers)).json()
    assert (page["items"], page["total"]) == ([second, first], 2)
    part = (await api.get(_notes(me), params={"cursor": "", "size": 1}, headers=staff.headers)).json()
    assert part["items"] == [second]
    rest = (await api.get(_notes(me), params={"cursor": part["next_cursor"]}, headers=staff.headers)).json()
    assert (rest["items"], rest["next_cursor"]) == ([first], None)
    assert await audited() == [("account_note.added", note["id"], staff.id) for note in (first, second)]


async def test_owner_does_not_learn_of_notes(api: httpx.AsyncClient):
    me, staff = await customer(), await superuser()
    note = await _add(api, me, staff)
    await api.delete(f"{_notes(me)}/{note['id']}", headers=staff.headers)
    for method, path in (("GET", _notes(me)), ("POST", _notes(me)), ("DELETE", f"{_notes(me)}/{note['id']}")):
        answer = await api.request(method, path, json={"text": "x"} if method == "POST" else None, headers=me.headers)
        assert_error(answer, 403, "FORBIDDEN")
    for query in ({}, {"cursor": ""}):
        events = (await api.get(f"{API}/auth/events", params=query, headers=me.headers)).json()["items"]
        assert [event["action"] for event in events if "note" in event["action"]] == []
    exported = (await api.get(f"{API}/users/me/export", headers=me.headers)).text
    assert me.user.email in exported
    assert "invoice" not in exported
    assert "note" not in exported


@pytest.mark.parametrize(
    ("scopes", "reads", "adds"),
    [
        (("customers:read",), True, False),
        (("customers:read", "customers:write"), True, False),
        (("customers:read", "customers:note"), True, True),
        (("security:read",), False, False),
    ],
)
async def test_reading_and_writing_take_their_scopes(
    api: httpx.AsyncClient, scopes: tuple[str, ...], reads: bool, adds: bool
):
    me, staff = await customer(), await colleague(*scopes)
    assert ((await api.get(_notes(me), headers=staff.headers)).status_code == 200) is reads
    assert ((await api.post(_notes(me), json={"text": "x"}, headers=staff.headers)).status_code == 201) is adds


async def test_author_deletes_own_notes_and_others_take_the_right(api: httpx.AsyncClient):
    me, author = await customer(), await colleague("customers:read", "customers:note")
    other, boss = (
        await colleague("customers:read", "customers:note"),
        await colleague("customers:read", "customers:write"),
    )
    notes = [await _add(api, me, author, text) for text in ("one", "two")]
    paths = [f"{_notes(me)}/{note['id']}" for note in notes]
    assert_error(await api.delete(paths[0], headers=other.headers), 403, "INSUFFICIENT_SCOPES")
    assert (await api.delete(paths[0], headers=author.headers)).status_code == 204
    assert (await api.delete(paths[1], headers=boss.headers)).status_code == 204
    assert_error(await api.delete(paths[1], headers=boss.headers), 404, "NOT_FOUND")
    assert await rows(AccountNote.objects.all()) == []
    events = await rows(AuditEvent.objects.filter(action="account_note.deleted").order_by("id"))
    assert [(each.actor_id, each.subject_id, each.before) for each in events] == [
        (author.id, me.id, {"text": "one", "author_id": author.id}),
        (boss.id, me.id, {"text": "two", "author_id": author.id}),
    ]


async def test_note_of_another_account_is_not_found(api: httpx.AsyncClient):
    me, other, staff = await customer(), await customer(), await superuser()
    note = await _add(api, me, staff)
    assert_error(await api.delete(f"{_notes(other)}/{note['id']}", headers=staff.headers), 404, "NOT_FOUND")
    assert len(await rows(AccountNote.objects.all())) == 1


async def test_deleted_account_keeps_its_notes_and_gets_none(api: httpx.AsyncClient):
    staff, gone = await superuser(), await make(make_user, deleted_at=timezone.now(), is_active=False)
    await make(AccountNote.objects.create, user=gone, text="before", author_id=staff.id)
    assert (await api.get(_notes(gone.pk), headers=staff.headers)).json()["total"] == 1
    for user_id in (gone.pk, 2**62):
        assert_error(await api.post(_notes(user_id), json={"text": "x"}, headers=staff.headers), 404, "NOT_FOUND")
    assert_error(await api.get(_notes(2**62), headers=staff.headers), 404, "NOT_FOUND")


@pytest.mark.parametrize("text", ["", "  ", "x" * 4001, "a\x00b", "a\u202eb", None])
async def test_invalid_text_is_refused(api: httpx.AsyncClient, text: str | None):
    me, staff = await customer(), await superuser()
    answer = await api.post(_notes(me), json={"text": text}, headers=staff.headers)
    assert_error(answer, 422, "VALIDATION_FAILED")
    assert await rows(AccountNote.objects.all()) == []


async def test_retry_adds_one_note(api: httpx.AsyncClient):
    me, staff = await customer(), await superuser()
    headers = {**staff.headers, "Idempotency-Key": "0af7651916cd43dd8448eb211c80319c"}
    answers = await asyncio.gather(
        *(api.post(_notes(me), json={"text": TEXT}, headers=headers) for _ in range(4)), return_exceptions=False
    )
    answers.append(await api.post(_notes(me), json={"text": TEXT}, headers=headers))
    added = [answer.json() for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({note["id"] for note in added}) == len(await rows(AccountNote.objects.all())) == 1
