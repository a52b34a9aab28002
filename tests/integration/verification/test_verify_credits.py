"""Credits and budgets, through the API."""

import asyncio
from decimal import Decimal

import httpx
import pytest

from apps.api_keys.models import ApiKeyCounter
from apps.credits.models import LedgerEntry
from tests.integration.verification.verifying import balance_of, decide_on, denials, make_limited_key, usage, verify
from tests.support.factories import IssuedKey, add_secret, give_credits, make_key, make_service_key
from tests.support.orm import make, rows
from tests.unit.verification.records import query_about


def make_rich_key(amount: str, **fields: object) -> IssuedKey:
    """Return a key without rate limits, whose owner has these credits."""
    key = make_limited_key(**fields)
    if Decimal(amount):
        give_credits(key.row.user, amount)
    return key


async def spent(key: IssuedKey) -> Decimal:
    (counter,) = await rows(ApiKeyCounter.objects.filter(pk=key.id))
    return counter.budget_spent


async def charges() -> list[tuple[int, Decimal, Decimal]]:
    found = await rows(LedgerEntry.objects.filter(type="usage").order_by("id"))
    return [(entry.pk, entry.amount, entry.balance_after) for entry in found]


async def test_a_charged_call_refers_to_its_ledger_entry(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_rich_key, "10")
    verdict = await verify(api, key.secret, cost="2.5")
    assert (verdict["code"], verdict["balance"]) == ("VALID", "7.500000")
    (entry,) = await rows(LedgerEntry.objects.filter(type="usage"))
    assert (entry.user_id, entry.amount, entry.balance_after) == (key.row.user_id, Decimal("-2.5"), Decimal("7.5"))
    assert (entry.description, entry.reference_id, entry.actor_id) == ("", "", None)
    (event,) = await usage()
    assert (event.cost, event.credit_transaction_id, event.occurred_at) == (Decimal("2.5"), entry.pk, entry.occurred_at)
    assert await balance_of(key.row) == Decimal("7.5")
    assert await spent(key) == Decimal("2.5")


async def test_a_call_above_the_balance_is_refused_and_a_smaller_one_is_allowed(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_rich_key, "1")
    verdicts = [await verify(api, key.secret, cost=cost) for cost in ("1.000001", "0.6", "0.6", "0.4", "0.000001", "0")]
    codes = [verdict["code"] for verdict in verdicts]
    refused = "INSUFFICIENT_CREDITS"
    assert codes == [refused, "VALID", refused, "VALID", refused, "VALID"]
    assert [Decimal(verdict["balance"]) for verdict in verdicts] == [
        Decimal(amount) for amount in ("1", "0.4", "0.4", "0", "0", "0")
    ]
    assert await balance_of(key.row) == 0
    assert await denials() == {(key.id, refused): 3}
    assert [event.credit_transaction_id is None for event in await usage()] == [False, False, True]


async def test_a_free_call_has_no_ledger_entry(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_rich_key, "1")
    for cost in (0, "0", "0.0", "0.000000"):
        assert (await verify(api, key.secret, cost=cost))["balance"] == "1.000000"
    assert await charges() == []
    assert {event.credit_transaction_id for event in await usage()} == {None}


async def test_a_rate_limited_call_is_not_charged(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, ("hour", 1, 3600))
    await make(give_credits, key.row.user, 5)
    verdicts = [await verify(api, key.secret, cost=2) for _ in range(2)]
    assert [(verdict["code"], verdict["balance"]) for verdict in verdicts] == [
        ("VALID", "3.000000"),
        ("RATE_LIMITED", "3.000000"),
    ]
    assert await balance_of(key.row) == 3


async def test_concurrent_calls_never_spend_more_than_the_balance(api: httpx.AsyncClient):
    first: IssuedKey = await make(make_rich_key, "10")
    second: IssuedKey = await make(make_key, first.row.user)
    service: IssuedKey = await make(make_service_key)
    sent = [verify(api, key.secret, service, cost="0.7") for key in (first, second) * 20]
    verdicts = await asyncio.gather(*sent)
    codes = [verdict["code"] for verdict in verdicts]
    assert (codes.count("VALID"), codes.count("INSUFFICIENT_CREDITS")) == (14, 26)
    assert await balance_of(first.row) == Decimal("0.2")
    assert await spent(first) + await spent(second) == Decimal("9.8")


@pytest.mark.parametrize(("budget", "allowed"), [("0", 0), ("0.9", 0), ("1", 1), ("2.5", 2), (None, 4)])
async def test_a_key_spends_no_more_than_its_budget(api: httpx.AsyncClient, budget: str | None, allowed: int):
    limit = None if budget is None else Decimal(budget)
    key: IssuedKey = await make(make_rich_key, "4", budget=limit)
    service: IssuedKey = await make(make_service_key)
    codes = [(await verify(api, key.secret, service, cost=1))["code"] for _ in range(5)]
    assert codes == ["VALID"] * allowed + ["INSUFFICIENT_CREDITS"] * (5 - allowed)
    assert (await verify(api, key.secret, service))["code"] == "VALID"
    assert await balance_of(key.row) == 4 - allowed
    assert await spent(key) == allowed


async def test_the_detail_says_whether_the_budget_or_the_balance_refuses(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_rich_key, "2", budget=Decimal(3))
    verdicts = [await verify(api, key.secret, cost=cost) for cost in ("2.5", "3.5", "1")]
    assert [(verdict["code"], verdict["detail"]) for verdict in verdicts] == [
        ("INSUFFICIENT_CREDITS", "balance"),
        ("INSUFFICIENT_CREDITS", "budget"),
        ("VALID", None),
    ]


async def test_secrets_of_a_key_share_its_budget(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_rich_key, "9", budget=Decimal(1))
    older = await make(add_secret, key.row)
    assert [(await verify(api, secret, cost=1))["code"] for secret in (key.secret, older)] == [
        "VALID",
        "INSUFFICIENT_CREDITS",
    ]


async def test_a_batch_writes_one_ledger_entry_for_each_customer(database: None):
    keys: list[IssuedKey] = [await make(make_rich_key, "10") for _ in range(2)]
    keys.append(await make(make_key, keys[0].row.user))
    sent = [query_about(key.secret, cost=Decimal(cost)) for cost in ("1", "0", "0.5") for key in keys]
    assert {verdict.code for verdict in await decide_on(sent)} == {"VALID"}
    entries = await rows(LedgerEntry.objects.filter(type="usage").order_by("user_id"))
    owners = [keys[0].row.user_id, keys[1].row.user_id]
    assert [(entry.user_id, entry.amount) for entry in entries] == [
        (owners[0], Decimal(-3)),
        (owners[1], Decimal("-1.5")),
    ]
    by_owner = {entry.user_id: entry.pk for entry in entries}
    for event in await usage():
        assert event.credit_transaction_id == (by_owner[event.user_id] if event.cost else None)
    assert [await balance_of(key.row) for key in keys] == [7, Decimal("8.5"), 7]


async def test_the_largest_amounts_are_exact(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_rich_key, "99999999999999.999999")
    verdict = await verify(api, key.secret, cost="99999999999999.999998")
    assert (verdict["code"], verdict["balance"]) == ("VALID", "0.000001")
    assert await balance_of(key.row) == Decimal("0.000001")
