"""Tokens that are valid once."""

import asyncio
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from apps.core.database.transaction import transaction
from apps.one_time_tokens.dependencies import token_personal_data, tokens_for, tokens_of_accounts
from apps.one_time_tokens.models import OneTimeToken
from tests.support.factories import make_user
from tests.support.orm import make, rows

pytestmark = pytest.mark.usefixtures("database")

TOKENS = tokens_for("open_door", ttl_seconds=600)
OTHER_PURPOSE = tokens_for("close_door", ttl_seconds=600)


async def in_transaction(method: Any, *args: Any) -> Any:
    async with transaction():
        return await method(*args)


async def test_a_token_stands_for_its_data_and_is_valid_once():
    user = await make(make_user)
    token = await in_transaction(TOKENS.issue, user.pk, {"door": "north"})
    assert await TOKENS.find(token) == (user.pk, {"door": "north"})
    assert await in_transaction(TOKENS.spend, token) == (user.pk, {"door": "north"})
    assert await in_transaction(TOKENS.spend, token) is None
    assert await TOKENS.find(token) is None


async def test_only_a_digest_is_stored():
    token = await TOKENS.issue_another(None, {"door": "north"})
    (row,) = await rows(OneTimeToken.objects.all())
    assert len(token) == 43
    assert token not in repr(vars(row))
    assert len(bytes(row.digest)) == 32


async def test_concurrent_requests_spend_a_token_once():
    token = await TOKENS.issue_another(None)
    answers = await asyncio.gather(*(TOKENS.spend(token) for _ in range(20)))
    assert sorted(answers, key=bool) == [None] * 19 + [(None, {})]


async def test_concurrent_transactions_spend_a_token_once():
    token = await TOKENS.issue_another(None)
    answers = await asyncio.gather(*(in_transaction(TOKENS.spend, token) for _ in range(8)))
    assert sorted(answers, key=bool) == [None] * 7 + [(None, {})]


async def test_a_token_of_another_purpose_is_rejected():
    token = await TOKENS.issue_another(None)
    assert await OTHER_PURPOSE.spend(token) is None
    assert await TOKENS.spend(token) is not None


@pytest.mark.parametrize("text", ["", "x", "\x00", "\ud800", "é" * 1000])
async def test_a_malformed_token_is_rejected(text: str):
    assert await TOKENS.spend(text) is None


async def test_a_new_token_voids_the_one_before():
    user, other = await make(make_user), await make(make_user)
    theirs = await in_transaction(TOKENS.issue, other.pk)
    elsewhere = await in_transaction(OTHER_PURPOSE.issue, user.pk)
    first = await in_transaction(TOKENS.issue, user.pk)
    second = await in_transaction(TOKENS.issue, user.pk)
    assert [await TOKENS.find(token) is not None for token in (theirs, first, second)] == [True, False, True]
    assert await OTHER_PURPOSE.find(elsewhere) is not None
    await in_transaction(TOKENS.void, user.pk)
    assert await TOKENS.find(second) is None


async def test_all_tokens_of_an_account_are_voided_and_erased():
    user, other = await make(make_user), await make(make_user)
    spent = await in_transaction(TOKENS.issue_another, user.pk)
    await in_transaction(TOKENS.spend, spent)
    unspent = [await in_transaction(tokens.issue, user.pk) for tokens in (TOKENS, OTHER_PURPOSE)]
    theirs = await in_transaction(TOKENS.issue, other.pk)
    await in_transaction(tokens_of_accounts().void_all, user.pk)
    assert [await TOKENS.find(token) for token in unspent] == [None, None]
    assert await TOKENS.find(theirs) is not None
    assert len(await rows(OneTimeToken.objects.filter(user=user))) == 1
    await in_transaction(token_personal_data().erase, user.pk)
    assert [row.user_id for row in await rows(OneTimeToken.objects.all())] == [other.pk]


async def test_an_issued_token_is_recent_until_it_is_voided():
    user = await make(make_user)
    assert not await in_transaction(TOKENS.was_issued_within, user.pk, 60)
    await in_transaction(TOKENS.issue, user.pk)
    assert await in_transaction(TOKENS.was_issued_within, user.pk, 60)
    assert not await in_transaction(OTHER_PURPOSE.was_issued_within, user.pk, 60)
    await make(OneTimeToken.objects.update, created_at=Now() - timedelta(seconds=61))
    assert not await in_transaction(TOKENS.was_issued_within, user.pk, 60)


async def test_pretending_stores_only_expired_tokens_of_no_account():
    await in_transaction(TOKENS.pretend)
    stored = await rows(OneTimeToken.objects.filter(expires_at__lte=Now()))
    assert [row.user_id for row in stored] == [None, None]


async def test_an_expired_token_is_rejected():
    token = await TOKENS.issue_another(None)
    await make(OneTimeToken.objects.update, expires_at=Now())
    assert [await TOKENS.find(token), await TOKENS.attempt(token, 5), await TOKENS.spend(token)] == [None] * 3


async def test_concurrent_attempts_are_counted():
    token = await TOKENS.issue_another(None)
    answers = await asyncio.gather(*(TOKENS.attempt(token, 5) for _ in range(20)))
    assert len([answer for answer in answers if answer]) == 5
    assert await TOKENS.spend(token) is not None


async def test_a_rolled_back_transaction_spends_nothing():
    token = await TOKENS.issue_another(None)

    async def spend_and_fail() -> None:
        async with transaction():
            assert await TOKENS.spend(token) is not None
            raise LookupError

    with pytest.raises(LookupError):
        await spend_and_fail()
    assert await TOKENS.spend(token) is not None


def test_clean_up_removes_tokens_that_expired_a_day_ago():
    for days in (0, 2):
        OneTimeToken.objects.create(purpose="x", digest=bytes([days]) * 32, expires_at=Now() - timedelta(days=days))
    output = StringIO()
    call_command("clean_up", "--json", stdout=output)
    assert json.loads(output.getvalue())["one_time_tokens"] == 1
    assert [bytes(row.digest) for row in OneTimeToken.objects.all()] == [bytes(32)]
