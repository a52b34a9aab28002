"""`GET /usage/export` streams every call once, in the order of time, in bounded parts."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from apps.core.authorization.catalogue import CREDITS_READ, KEYS_READ
from apps.usage.dependencies import usage_exports
from apps.usage.repositories.usage_export_repository import UsageExportRepository
from apps.usage.services.usage_exports import UsageExports
from tests.integration.usage.pending import expand, rich_keys, spend
from tests.support.accounts import Account, colleague, customer
from tests.support.factories import IssuedKey
from tests.support.orm import make
from tests.support.sessions import sign_in

pytestmark = pytest.mark.usefixtures("database")

PATH = "/api/v1/usage/export"


async def owner_of(key: IssuedKey) -> Account:
    return Account(key.row.user, await make(sign_in, key.row.user))


async def read(api: httpx.AsyncClient, reader: Account, **query: Any) -> httpx.Response:
    response = await api.get(PATH, params=query, headers=reader.headers)
    assert response.status_code == 200, response.text
    return response


def lines_of(response: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in response.text.splitlines()]


async def test_csv_and_ndjson_have_the_same_calls(api):
    keys = await make(rich_keys, 2)
    me = await owner_of(keys[0])
    await make(spend, keys, "1.5", "0", tag='say "hi", ü', request_id="r1")
    await make(expand)
    await make(spend, keys[:1], "2", request_id="r2")
    ndjson = await read(api, me, format="ndjson")
    assert ndjson.headers["content-type"] == "application/x-ndjson"
    calls = lines_of(ndjson)
    assert [(call["request_id"], call["cost"], call["key_id"]) for call in calls] == [
        ("r1", "1.500000", keys[0].id),
        ("r1", "0.000000", keys[0].id),
        ("r2", "2.000000", keys[0].id),
    ]
    assert calls[0]["tag"] == 'say "hi", ü'
    assert (calls[1]["credit_transaction_id"], calls[0]["credit_transaction_id"] is None) == (None, False)
    response = await read(api, me)
    assert response.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert response.headers["content-disposition"].startswith(f'attachment; filename="usage-{me.id}-')
    rows = list(csv.DictReader(io.StringIO(response.text, newline="")))
    assert rows == [{name: "" if value is None else str(value) for name, value in call.items()} for call in calls]


async def test_texts_that_a_spreadsheet_would_run_are_quoted_in_csv(api):
    (key,) = await make(rich_keys, 1)
    me = await owner_of(key)
    for text in ("=1+1", "-2", "@x", "+3"):
        await make(spend, [key], "1", tag=text, request_id=text)
    (first, *others) = list(csv.DictReader(io.StringIO((await read(api, me)).text)))
    assert (first["tag"], first["request_id"], len(others)) == ("'=1+1", "'=1+1", 3)
    assert lines_of(await read(api, me, format="ndjson"))[0]["tag"] == "=1+1"


async def test_calls_are_exported_once_while_their_batches_are_expanded(api):
    (key,) = await make(rich_keys, 1)
    for number in range(7):
        await make(spend, [key], "1", "1", request_id=str(number))
    now = timezone.now()
    chunks = await UsageExports(UsageExportRepository(), rows_at_once=3).begin(
        "ndjson", key.row.user_id, now - timedelta(days=1), now + timedelta(minutes=1), shows_cost=True
    )
    found = []
    async for chunk in chunks:
        found += [json.loads(line)["request_id"] for line in chunk.splitlines()]
        await make(expand, 1)
    assert found == [str(number) for number in range(7) for _ in range(2)]


async def test_period_bounds_the_calls(api):
    (key,) = await make(rich_keys, 1)
    me = await owner_of(key)
    await make(spend, [key], "1")
    (call,) = lines_of(await read(api, me, format="ndjson"))
    at = call["occurred_at"]
    assert len(lines_of(await read(api, me, format="ndjson", **{"from": at}))) == 1
    early = await read(api, me, format="ndjson", **{"from": "2026-01-01T00:00:00Z", "to": at})
    assert early.text == ""
    response = await api.get(PATH, params={"from": at, "to": at}, headers=me.headers)
    assert response.status_code == 422


async def test_rights(api):
    (key,) = await make(rich_keys, 1)
    await make(spend, [key], "1")
    query = {"user_id": key.row.user_id, "format": "ndjson"}
    assert (await api.get(PATH, params=query, headers=(await customer()).headers)).status_code == 403
    assert lines_of(await read(api, await colleague(KEYS_READ), **query))[0]["cost"] is None
    assert lines_of(await read(api, await colleague(KEYS_READ, CREDITS_READ), **query))[0]["cost"] == "1.000000"
    assert len((await api.get(PATH, headers=key.headers)).text.splitlines()) == 2
    assert (await api.get(PATH)).status_code == 401


async def test_a_failing_first_part_is_an_error_and_not_a_broken_file(api, monkeypatch: pytest.MonkeyPatch):
    (key,) = await make(rich_keys, 1)

    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(usage_exports()._exports, "part", fail)
    assert (await api.get(PATH, headers=key.headers)).status_code == 500
