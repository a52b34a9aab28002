"""Changing one's address: `PATCH /users/me`, then `/auth/confirm-email` twice, or `/auth/cancel-email-change`."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db.models.functions import Now

from apps.authentication.models import Session
from apps.mail.models import OutgoingMail
from apps.users.models import User
from tests.support.accounts import Account, audited, colleague, customer
from tests.support.assertions import assert_error
from tests.support.captured_sql import all_statements
from tests.support.factories import PASSWORD, make_key, make_user
from tests.support.links import kinds_to, query_of, tokens_to
from tests.support.mailbox import age_messages, letters_to
from tests.support.orm import make, rows, run_in_transaction

ME = "/api/v1/users/me"
CONFIRM, CANCEL = "/api/v1/auth/confirm-email", "/api/v1/auth/cancel-email-change"
OLD, NEW = "ann@example.com", "new@example.com"
LONG_AGO = "2026-01-01T00:00:00Z"


async def ann(**fields: Any) -> Account:
    return await customer(**{"email": OLD, "email_verified_at": LONG_AGO, "password": PASSWORD, **fields})


async def ask(api: httpx.AsyncClient, me: Account, email: str = NEW) -> httpx.Response:
    return await api.patch(ME, json={"email": email}, headers=me.headers)


async def confirm(api: httpx.AsyncClient, token: str) -> httpx.Response:
    return await api.post(CONFIRM, json={"token": token, "password": PASSWORD})


async def links() -> tuple[str, str, str]:
    """Return the tokens that confirm at the old address, at the new one, and that cancel."""
    (old,), (new,) = await tokens_to(OLD, "confirm_email_change"), await tokens_to(NEW, "confirm_new_email")
    (cancel,) = await tokens_to(OLD, "confirm_email_change", "cancel_link")
    return old, new, cancel


async def stored(me: Account) -> User:
    (user,) = await rows(User.objects.filter(pk=me.id))
    return user


async def test_address_changes_once_both_addresses_have_confirmed(api: httpx.AsyncClient):
    me = await ann()
    asked = await ask(api, me)
    assert (asked.status_code, asked.json()["email"], asked.json()["pending_email"]) == (200, OLD, NEW)
    old, new, _ = await links()
    first = await confirm(api, old)
    assert (first.status_code, first.json(), (await stored(me)).email) == (200, {"status": "pending"}, OLD)
    second = await confirm(api, new)
    assert (second.status_code, second.json()) == (200, {"status": "changed"})
    mine = (await api.get(ME, headers=me.headers)).json()
    assert (mine["email"], mine["pending_email"], mine["email_verified_at"] > LONG_AGO) == (NEW, None, True)
    assert await audited() == [("user.email_change_asked", me.id, me.id), ("user.email_changed", me.id, me.id)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_addresses_confirm_in_either_order_and_both_are_notified(api: httpx.AsyncClient, order: tuple[int, int]):
    me = await ann()
    await ask(api, me)
    tokens = await links()
    for number in order:
        assert (await confirm(api, tokens[number])).status_code == 200
    for address in (OLD, NEW):
        notice = (await make(letters_to, address))[-1]
        assert (notice.kind, notice.context["what"]) == (
            "security_notice",
            "The e-mail address of your account was changed.",
        )


async def test_one_address_alone_changes_nothing(api: httpx.AsyncClient):
    me = await ann()
    await ask(api, me)
    old, _, _ = await links()
    answers = await asyncio.gather(*(confirm(api, old) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert (await stored(me)).email == OLD


async def test_unverified_old_address_need_not_confirm(api: httpx.AsyncClient):
    me = await ann(email_verified_at=None)
    await ask(api, me)
    assert await kinds_to(OLD) == ["email_change_asked"]
    (new,) = await tokens_to(NEW, "confirm_new_email")
    assert (await confirm(api, new)).json() == {"status": "changed"}
    assert (await stored(me)).email == NEW


async def test_old_address_cancels_the_change(api: httpx.AsyncClient):
    me = await ann()
    await ask(api, me)
    old, new, cancel = await links()
    await confirm(api, old)
    assert (await api.post(CANCEL, json={"token": cancel})).json() == {"status": "ok"}
    assert_error(await confirm(api, new), 400, "INVALID_TOKEN")
    assert_error(await api.post(CANCEL, json={"token": cancel}), 400, "INVALID_TOKEN")
    user = await stored(me)
    assert (user.email, user.pending_email) == (OLD, "")
    assert (await audited())[-1] == ("user.email_change_cancelled", me.id, me.id)


async def test_requesting_the_current_address_cancels_the_change(api: httpx.AsyncClient):
    me = await ann()
    await ask(api, me)
    old, new, _ = await links()
    response = await ask(api, me, OLD)
    assert (response.status_code, response.json()["pending_email"]) == (200, None)
    assert (await stored(me)).email_verified_at is not None
    for token in (old, new):
        assert_error(await confirm(api, token), 400, "INVALID_TOKEN")


async def test_links_of_a_replaced_request_are_rejected(api: httpx.AsyncClient):
    me = await ann()
    await ask(api, me)
    old, new, _ = await links()
    assert_error(await ask(api, me, "third@example.com"), 429, "RATE_LIMITED")
    assert (await stored(me)).pending_email == NEW
    await run_in_transaction(User.objects.update, pending_email="third@example.com")
    for token in (old, new):
        assert_error(await confirm(api, token), 400, "INVALID_TOKEN")


async def sent_to(start: str) -> int:
    return len(await rows(OutgoingMail.objects.filter(recipient__istartswith=start)))


async def test_account_begins_one_change_a_minute_and_five_an_hour(api: httpx.AsyncClient):
    me, others = await ann(), [f"other{number}@example.com" for number in range(8)]
    statuses = []
    for other in others:
        statuses.append((await ask(api, me, other)).status_code)
        assert (await ask(api, me, OLD.upper())).status_code == 200  # cancels the change; its message still counts
        assert_error(await ask(api, me, other), 429, "RATE_LIMITED")
        await make(age_messages, 61)
    assert statuses == [200] * 5 + [429] * 3
    assert (await sent_to("other"), await sent_to(OLD)) == (5, 5)
    await make(age_messages, 3600 - 7 * 61)
    assert (await ask(api, me)).status_code == 200


async def test_address_gets_five_requests_an_hour_from_all_accounts(api: httpx.AsyncClient):
    customers = [await customer() for _ in range(7)]
    answers = await asyncio.gather(*(ask(api, each, NEW.upper() if each.id % 2 else NEW) for each in customers))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 2
    assert await sent_to(NEW) == 5
    assert {int(each.headers["retry-after"]) > 3000 for each in answers if each.status_code == 429} == {True}
    assert len(await rows(User.objects.exclude(pending_email=""))) == 5
    await make(age_messages, 3601)
    assert (await ask(api, customers[0])).status_code == 200


async def test_taken_address_gets_the_same_response_and_statements_and_another_mail(api: httpx.AsyncClient):
    me, _ = await ann(), await make(make_user, email="Known@example.com")
    answers = []
    for email in (NEW, "known@example.com"):
        await run_in_transaction(User.objects.filter(pk=me.id).update, pending_email="")
        await make(age_messages, 61)
        with all_statements() as run:
            response = await ask(api, me, email)
        answers.append((response.status_code, response.json()["email"], set(response.headers), run))
        assert response.json()["pending_email"] == email
    assert answers[0] == answers[1]
    assert await kinds_to("known@example.com") == ["email_taken"]
    assert await kinds_to("Known@example.com") == []
    (message,) = await make(letters_to, "known@example.com")
    assert query_of(message.context["link"]) == {}


async def test_address_that_another_account_took_meanwhile_is_rejected(api: httpx.AsyncClient):
    me = await ann()
    await ask(api, me)
    old, new, _ = await links()
    await make(make_user, email="NEW@example.com")
    assert (await confirm(api, old)).status_code == 200
    assert_error(await confirm(api, new), 400, "INVALID_TOKEN")
    assert (await stored(me)).email == OLD


async def _expire() -> None:
    await run_in_transaction(User.objects.update, pending_email_until=Now())


async def _delete() -> None:
    await run_in_transaction(User.objects.update, deleted_at=Now())


@pytest.mark.parametrize("meanwhile", [_expire, _delete])
async def test_links_are_rejected_after_expiry_and_deletion(api: httpx.AsyncClient, meanwhile):
    me = await ann()
    await ask(api, me)
    tokens = await links()
    await meanwhile()
    for token in tokens:
        assert_error(await confirm(api, token), 400, "INVALID_TOKEN")
    assert (await stored(me)).email == OLD


async def test_changed_address_voids_every_other_link(api: httpx.AsyncClient):
    me = await ann()
    await api.post("/api/v1/auth/forgot-password", json={"email": OLD})
    await ask(api, me)
    old, new, _ = await links()
    for token in (old, new):
        await confirm(api, token)
    (reset,) = await tokens_to(OLD, "reset_password")
    body = {"token": reset, "new_password": "another horse altogether"}
    assert_error(await api.post("/api/v1/auth/reset-password", json=body), 400, "INVALID_TOKEN")


async def test_needs_a_recent_authentication(api: httpx.AsyncClient):
    me = await ann()
    await run_in_transaction(Session.objects.update, authenticated_at=Now() - timedelta(minutes=11))
    assert_error(await ask(api, me), 401, "STEP_UP_REQUIRED")
    assert (await api.patch(ME, json={"full_name": "Ann"}, headers=me.headers)).status_code == 200
    assert (await stored(me)).pending_email == ""
    assert await kinds_to(OLD) == await kinds_to(NEW) == []


async def test_api_key_is_refused(api: httpx.AsyncClient):
    me = await ann()
    key = await make(make_key, me.user, scopes=["account:read", "account:write"])
    refused = await api.patch(ME, json={"email": NEW, "full_name": "x"}, headers=key.headers)
    assert_error(refused, 403, "FORBIDDEN")
    user = await stored(me)
    assert (user.pending_email, user.full_name) == ("", "")


async def test_rejection_of_another_field_sends_no_mail(api: httpx.AsyncClient):
    me, other = await ann(), await customer()
    body = {"email": NEW, "username": other.user.username}
    assert_error(await api.patch(ME, json=body, headers=me.headers), 409, "CONFLICT", field="username")
    assert (await stored(me)).pending_email == ""
    assert await kinds_to(NEW) == []


async def test_staff_change_it_immediately_and_both_addresses_are_notified(api: httpx.AsyncClient):
    me, staff = await ann(), await colleague()
    await ask(api, me)
    tokens = await links()
    response = await api.patch(f"/api/v1/users/{me.id}", json={"email": "staff@example.com"}, headers=staff.headers)
    assert (response.status_code, response.json()["email"], response.json()["email_verified_at"]) == (
        200, "staff@example.com", None,
    )  # fmt: skip
    assert response.json()["pending_email"] is None
    (notice,) = [message for message in await make(letters_to, OLD) if message.kind == "security_notice"]
    assert notice.context["by_staff"] == "yes"
    assert await kinds_to("staff@example.com") == ["security_notice", "verify_email"]
    for token in tokens:
        assert_error(await confirm(api, token), 400, "INVALID_TOKEN")


@pytest.mark.parametrize("email", [f"{NEW}\r\nBcc: all@example.com", f"{NEW},b@example.com", "a\n@example.com"])
async def test_address_with_line_breaks_is_rejected(api: httpx.AsyncClient, email: str):
    me = await ann()
    assert_error(await ask(api, me, email), 422, "VALIDATION_FAILED", field="email")
    assert await kinds_to(OLD) == []


async def test_pending_email_cannot_be_set(api: httpx.AsyncClient):
    me = await ann()
    response = await api.patch(ME, json={"pending_email": NEW}, headers=me.headers)
    assert_error(response, 422, "VALIDATION_FAILED", field="pending_email")
