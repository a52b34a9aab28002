"""A pipelined transaction is committed whole or not at all, and leaves a connection that can be used again."""

import psycopg
import pytest

from apps.core.database.pool import pipelined_transaction
from apps.core.database.queries import fetch_rows

ADD = "INSERT INTO login_attempts (account_digest, client_address, failures, last_failed_at) VALUES ('x', %s, 1, now())"
ADDRESSES = "SELECT client_address FROM login_attempts ORDER BY client_address"


async def add(*addresses: str, error: Exception | None = None) -> None:
    async with pipelined_transaction() as borrowed:
        for address in addresses:
            await borrowed.execute(ADD, [address])
        assert await fetch_rows(ADDRESSES) == []
        if error:
            raise error


@pytest.mark.integration
async def test_what_was_sent_is_committed_when_the_block_ends(database):
    await add("192.0.2.1", "192.0.2.2")

    assert await fetch_rows(ADDRESSES) == [("192.0.2.1",), ("192.0.2.2",)]


@pytest.mark.integration
async def test_an_error_in_the_block_takes_everything_back(database):
    with pytest.raises(ZeroDivisionError):
        await add("192.0.2.1", error=ZeroDivisionError())

    assert await fetch_rows(ADDRESSES) == []


@pytest.mark.integration
async def test_a_refused_last_statement_is_raised_and_takes_everything_back(database):
    with pytest.raises(psycopg.errors.UniqueViolation):
        await add("192.0.2.1", "192.0.2.1")

    assert await fetch_rows(ADDRESSES) == []
