"""Tokens that are good once."""

import asyncio
import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from apps.one_time_tokens.dependencies import one_time_tokens
from apps.one_time_tokens.models import OneTimeToken
from tests.support.factories import make_user
from tests.support.orm import make, rows, run_in_transaction

pytestmark = pytest.mark.usefixtures("database")

TOKENS = one_time_tokens("open_door", ttl_seconds=600)


async def test_a_token_stands_for_what_was_said_and_is_good_once():
    user = await make(make_user)
    token = await run_in_transaction(TOKENS.issue, user.pk, {"door": "north"})
    assert await TOKENS.find(token) == (user.pk, {"door": "north"})
    assert await run_in_transaction(TOKENS.spend, token) == (user.pk, {"door": "north"})
    assert await run_in_transaction(TOKENS.spend, token) is None
    assert await TOKENS.find(token) is None


async def test_only_a_digest_is_stored():
    token = await TOKENS.issue_alone(None, {"door": "north"})
    (row,) = await rows(OneTimeToken.objects.all())
    assert len(token) == 43
    assert token not in repr(vars(row))
    assert len(bytes(row.digest)) == 32


async def test_of_many_at_once_one_is_let_in():
    token = await TOKENS.issue_alone(None)
    answers = await asyncio.gather(*(TOKENS.spend_alone(token) for _ in range(20)))
    assert sorted(answers, key=bool) == [None] * 19 + [(None, {})]


async def test_a_token_of_another_purpose_is_none():
    token = await TOKENS.issue_alone(None)
    assert await one_time_tokens("close_door", ttl_seconds=600).spend_alone(token) is None
    assert await TOKENS.spend_alone(token) is not None


@pytest.mark.parametrize("text", ["", "x", "\x00", "\ud800", "é" * 1000])
async def test_what_is_no_token_is_none(text: str):
    assert await TOKENS.spend_alone(text) is None


async def test_a_new_token_takes_the_place_of_the_one_before():
    user, other = await make(make_user), await make(make_user)
    theirs = await run_in_transaction(TOKENS.issue, other.pk)
    elsewhere = await run_in_transaction(one_time_tokens("close_door", 600).issue, user.pk)
    first = await run_in_transaction(TOKENS.issue, user.pk)
    second = await run_in_transaction(TOKENS.issue, user.pk)
    assert [await TOKENS.find(token) is not None for token in (theirs, first, second)] == [True, False, True]
    assert await one_time_tokens("close_door", 600).find(elsewhere) is not None
    await run_in_transaction(TOKENS.void, user.pk)
    assert await TOKENS.find(second) is None


async def test_an_expired_token_is_good_for_nothing():
    token = await TOKENS.issue_alone(None)
    await run_in_transaction(OneTimeToken.objects.update, expires_at=Now())
    assert (await TOKENS.find(token), await TOKENS.attempt(token, 5), await TOKENS.spend_alone(token)) == (
        None, None, None,
    )  # fmt: skip


async def test_attempts_are_counted_whoever_makes_them():
    token = await TOKENS.issue_alone(None)
    answers = await asyncio.gather(*(TOKENS.attempt(token, 5) for _ in range(20)))
    assert len([answer for answer in answers if answer]) == 5
    assert await TOKENS.spend_alone(token) is not None


async def test_what_is_rolled_back_was_not_spent():
    token = await TOKENS.issue_alone(None)

    def spend_and_fail() -> None:
        assert TOKENS.spend(token) is not None
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await run_in_transaction(spend_and_fail)
    assert await TOKENS.spend_alone(token) is not None


def test_clean_up_removes_what_expired_a_day_ago():
    for days in (0, 2):
        OneTimeToken.objects.create(purpose="x", digest=bytes([days]) * 32, expires_at=Now() - timedelta(days=days))
    output = StringIO()
    call_command("clean_up", "--json", stdout=output)
    assert json.loads(output.getvalue())["one_time_tokens"] == 1
    assert [bytes(row.digest) for row in OneTimeToken.objects.all()] == [bytes(32)]
