"""Owners get a message about each key that is new, rotated or loosened."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.db.models.functions import Now
from django.utils import timezone

from apps.api_keys.models import ApiKey
from apps.mail.models import OutgoingMail
from tests.support.accounts import Account, colleague, customer, superuser
from tests.support.factories import IssuedKey, make_key, make_user
from tests.support.mailbox import QueuedMessage, age_messages, letters_to
from tests.support.orm import make, rows

KEYS = "/api/v1/api-keys"
ACCOUNT = ["account:read", "account:write"]
CREATED = "A new API key was created for your account."
ROTATED = "An API key of your account got a new secret."
LOOSENED = "The limits of an API key of your account were loosened."


async def letters(me: Account) -> list[QueuedMessage]:
    found: list[QueuedMessage] = await make(letters_to, me.user.email)
    return [letter for letter in found if letter.kind in {"api_key_notice", "api_keys_changed"}]


async def letter(me: Account) -> QueuedMessage:
    (only,) = await letters(me)
    return only


async def create(api: httpx.AsyncClient, headers: dict[str, str], path: str = KEYS, **fields: Any) -> dict[str, Any]:
    made = await api.post(path, json={"name": "deploy", **fields}, headers=headers)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def test_a_new_key_is_named_in_a_message_without_its_secret(api: httpx.AsyncClient):
    me = await customer()
    made = await create(api, me.headers)
    sent = await letter(me)
    assert sent.subject == CREATED
    for part in ("API key: deploy", f"{made['prefix']}…", "By: you, signed in", "From: 127.0.0.1", " UTC"):
        assert part in sent.text
    assert "account/api-keys#token=" in sent.text
    assert "account/forgot-password" in sent.text
    (mail,) = await rows(OutgoingMail.objects.filter(kind="api_key_notice"))
    assert made["api_key"] not in sent.text + sent.html + mail.key
    assert "deploy" in sent.html


async def test_a_key_that_a_key_creates_is_reported_with_its_creator(api: httpx.AsyncClient):
    me = await customer()
    creator: IssuedKey = await make(make_key, me.user, name="robot", scopes=ACCOUNT)
    await create(api, creator.headers)
    sent = await letter(me)
    assert f"By: the API key robot ({creator.secret[:12]}…)" in sent.text
    assert "you, signed in" not in sent.text


async def test_a_key_made_by_staff_is_reported_without_their_address(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague("keys:read", "keys:write")
    await create(api, staff.headers, f"/api/v1/users/{me.id}/api-keys")
    sent = await letter(me)
    assert "By: the staff of" in sent.text
    assert "From: " not in sent.text + sent.html
    assert await letters(staff) == []


async def test_a_rotated_key_is_reported(api: httpx.AsyncClient):
    me = await customer()
    key: IssuedKey = await make(make_key, me.user, name="deploy")
    new = (await api.post(f"{KEYS}/{key.id}/rotate", headers=me.headers)).json()
    sent = await letter(me)
    assert (sent.subject, new["prefix"] in sent.text, new["api_key"] in sent.text) == (ROTATED, True, False)


BOUNDS: dict[str, Any] = {
    "ip_allowlist": ["192.0.2.0/24"],
    "expires_at": "2999-01-01T00:00:00Z",
    "budget": Decimal(10),
    "scopes": ["mine:a"],
    "rate_limits": [{"name": "m", "limit": 10, "period_seconds": 60}],
}


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("ip_allowlist", ["192.0.2.0/23"], "IP allowlist"),
        ("ip_allowlist", [], "IP allowlist"),
        ("expires_at", "2999-01-02T00:00:00Z", "expiry"),
        ("expires_at", None, "expiry"),
        ("budget", "11", "budget"),
        ("budget", None, "budget"),
        ("scopes", ["mine:a", "mine:b"], "scopes"),
        ("is_active", True, "switched on"),
        ("rate_limits", [{"name": "m", "limit": 11, "period_seconds": 60}], "rate limits"),
        ("rate_limits", [{"name": "m", "limit": 10, "period_seconds": 59}], "rate limits"),
        ("rate_limits", [*BOUNDS["rate_limits"], {"name": "n", "limit": 1, "period_seconds": 60}], "rate limits"),
        ("rate_limits", [], "rate limits"),
    ],
)
async def test_a_loosened_bound_is_named(api: httpx.AsyncClient, field: str, value: Any, named: str):
    me, staff = await customer(), await superuser()
    key: IssuedKey = await make(make_key, me.user, is_active=False, **BOUNDS)
    changed = await api.patch(f"{KEYS}/{key.id}", json={field: value}, headers=staff.headers)
    assert changed.status_code == 200, changed.text
    sent = await letter(me)
    assert sent.subject == LOOSENED
    assert f"Loosened: {named}\n" in sent.text


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other", "description": "x", "metadata": {"a": 1}},
        {"ip_allowlist": ["192.0.2.0/25"]},
        {"expires_at": "2998-01-01T00:00:00Z"},
        {"budget": "9"},
        {"scopes": []},
        {"is_active": False},
        {"rate_limits": [{"name": "m", "limit": 9, "period_seconds": 61}]},
        {"rate_limits": BOUNDS["rate_limits"], "is_active": True, "budget": "10"},
    ],
)
async def test_other_changes_send_nothing(api: httpx.AsyncClient, change: dict[str, Any]):
    me, staff = await customer(), await superuser()
    key: IssuedKey = await make(make_key, me.user, **BOUNDS)
    changed = await api.patch(f"{KEYS}/{key.id}", json=change, headers=staff.headers)
    assert changed.status_code == 200, changed.text
    assert await letters(me) == []


async def test_one_change_of_several_bounds_is_one_message(api: httpx.AsyncClient):
    me = await customer()
    key: IssuedKey = await make(make_key, me.user, **BOUNDS)
    await api.patch(f"{KEYS}/{key.id}", json={"budget": None, "expires_at": None}, headers=me.headers)
    assert "Loosened: expiry, budget\n" in (await letter(me)).text


async def test_a_refused_change_sends_nothing(api: httpx.AsyncClient):
    me = await customer()
    key: IssuedKey = await make(make_key, me.user, **{**BOUNDS, "scopes": ACCOUNT, "ip_allowlist": ["127.0.0.1"]})
    refused = await api.patch(f"{KEYS}/{key.id}", json={"budget": None}, headers=key.headers)
    assert refused.status_code == 403
    assert await letters(me) == []


@pytest.mark.usefixtures("database")
def test_commands_report_too():
    me = make_user(email_verified_at=timezone.now())
    call_command("create_api_key", "--user", me.email, "--name", "by command", stdout=StringIO())
    call_command("rotate_api_key", str(ApiKey.objects.latest("id").pk), stdout=StringIO())
    first, second = letters_to(me.email)
    assert (first.subject, second.subject) == (CREATED, ROTATED)
    assert "By: the staff of" in first.text


async def counted(sent: QueuedMessage) -> Sequence[str]:
    return [sent.context[name] for name in ("total", "created", "rotated", "loosened")]


async def test_a_flood_is_gathered_in_one_message(api: httpx.AsyncClient):
    me = await customer()
    await make(type(me.user.plan).objects.filter(pk=me.user.plan_id).update, api_keys_maximum=None)
    answers = await asyncio.gather(*(api.post(KEYS, json={"name": f"key {n}"}, headers=me.headers) for n in range(12)))
    assert {answer.status_code for answer in answers} == {201}
    assert (await api.post(f"{KEYS}/{answers[0].json()['id']}/rotate", headers=me.headers)).status_code == 200
    sent = await letters(me)
    assert [each.kind for each in sent] == ["api_key_notice"] * 5 + ["api_keys_changed"]
    assert await counted(sent[-1]) == ["8", "7", "1", "0"]
    assert sent[-1].subject == "8 more changes to the API keys of your account"
    (gathered,) = await rows(OutgoingMail.objects.filter(kind="api_keys_changed"))
    assert timedelta(minutes=59) < gathered.due_at - gathered.created_at <= timedelta(hours=1)


async def test_changes_after_the_gathered_message_are_counted_anew(api: httpx.AsyncClient):
    me = await customer()
    await make(type(me.user.plan).objects.filter(pk=me.user.plan_id).update, api_keys_maximum=None)
    for _ in range(6):
        await create(api, me.headers)
    claimed = OutgoingMail.objects.filter(kind="api_keys_changed")
    await make(claimed.update, attempts=1, due_at=Now() + timedelta(minutes=3))
    await create(api, me.headers)
    assert [await counted(each) for each in (await letters(me))[5:]] == [["1", "1", "0", "0"]] * 2
    await make(age_messages, 3601)
    await create(api, me.headers)
    assert [each.kind for each in await letters(me)][-1] == "api_key_notice"


async def test_an_unverified_address_gets_no_text_of_the_key(api: httpx.AsyncClient):
    me = await customer(email_verified_at=None)
    made = await create(api, me.headers, name="Visit https://evil.example")
    sent = await letter(me)
    assert "evil" not in sent.text + sent.html + sent.subject
    assert f"API key: {made['prefix']}…\n" in sent.text
