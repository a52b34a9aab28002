"""When guesses lock an account's clients out: what the trail says, and how the owner gets in."""

import pytest

from apps.audit.models import AuditEvent
from tests.support.accounts import audited
from tests.support.assertions import assert_error
from tests.support.captured_sql import all_statements
from tests.support.factories import PASSWORD, make_user
from tests.support.guessing import (
    ELSEWHERE,
    EMAIL,
    HOME,
    UNKNOWN_EMAIL,
    client_at,
    expire_locks,
    guess_from_many_addresses,
    sign_in,
)
from tests.support.links import tokens_to
from tests.support.orm import make, rows


@pytest.mark.parametrize("email", [EMAIL, UNKNOWN_EMAIL])
async def test_lock_is_recorded_once_with_and_without_an_account(database: None, email: str):
    user = await make(make_user, PASSWORD, email=EMAIL)
    for _ in range(4):
        await sign_in(HOME, "wrong", email)
    with all_statements() as seen:
        assert_error(await sign_in(HOME, "wrong", email), 401, "WRONG_CREDENTIALS")
    assert seen == [("INSERT", "audit_events")] * 2
    for _ in range(3):
        assert_error(await sign_in(HOME, "wrong", email), 429, "LOCKED_OUT")
    events = await rows(AuditEvent.objects.order_by("id"))
    assert [event.action for event in events] == ["password.refused"] * 5 + ["account.locked"]
    subject_id = user.pk if email == EMAIL else None
    assert (events[-1].outcome, events[-1].subject_id, events[-1].after) == (
        "failure", subject_id, {"locks_out": "client"},
    )  # fmt: skip
    await expire_locks()
    assert_error(await sign_in(HOME, "wrong", email), 401, "WRONG_CREDENTIALS")
    assert (await audited())[-1][0] == "account.locked"


async def test_lock_of_unknown_clients_is_recorded_once(database: None):
    await make(make_user, PASSWORD, email=EMAIL)
    await guess_from_many_addresses(99)
    assert_error(await sign_in(ELSEWHERE, "wrong"), 401, "WRONG_CREDENTIALS")
    assert_error(await sign_in(HOME, "wrong"), 429, "LOCKED_OUT")
    events = await rows(AuditEvent.objects.order_by("id"))
    assert [(event.action, event.after) for event in events] == [
        ("password.refused", {}),
        ("account.locked", {"locks_out": "strangers"}),
    ]


async def test_mailed_link_admits_the_owner_from_any_address(database: None):
    await make(make_user, PASSWORD, email=EMAIL)
    await guess_from_many_addresses(101)
    for _ in range(2):
        assert_error(await sign_in(ELSEWHERE), 429, "LOCKED_OUT")
    async with client_at(ELSEWHERE) as client:
        await client.post("/api/v1/auth/forgot-password", json={"email": EMAIL})
        (token,) = await tokens_to(EMAIL, "reset_password")
        body = {"token": token, "new_password": "another long and quiet sentence"}
        assert (await client.post("/api/v1/auth/reset-password", json=body)).status_code == 200
    assert_error(await sign_in(ELSEWHERE, "a slip"), 401, "WRONG_CREDENTIALS")
    assert (await sign_in(ELSEWHERE, "another long and quiet sentence")).status_code == 200
    assert_error(await sign_in(HOME, "another long and quiet sentence"), 429, "LOCKED_OUT")


async def test_mailed_link_unlocks_its_own_client(database: None):
    await make(make_user, PASSWORD, email=EMAIL)
    for _ in range(5):
        await sign_in(HOME, "wrong")
    assert_error(await sign_in(HOME), 429, "LOCKED_OUT")
    async with client_at(HOME) as client:
        await client.post("/api/v1/auth/forgot-password", json={"email": EMAIL})
        (token,) = await tokens_to(EMAIL, "reset_password")
        body = {"token": token, "new_password": "another long and quiet sentence"}
        assert (await client.post("/api/v1/auth/reset-password", json=body)).status_code == 200
    assert (await sign_in(HOME, "another long and quiet sentence")).status_code == 200
