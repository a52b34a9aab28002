"""Reads balances, ledger and usage from the database of a running server."""

import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

import psycopg

from tests.support.server import ENVIRONMENT, PROJECT

EXPANDED_SECONDS_MAXIMUM = 15.0
OF_A_CUSTOMER = """
SELECT
    (SELECT balance FROM credit_balances WHERE user_id = %(user)s),
    (SELECT coalesce(sum(amount), 0) FROM ledger_entries WHERE user_id = %(user)s),
    (SELECT coalesce(-sum(amount), 0) FROM ledger_entries WHERE user_id = %(user)s AND type = 'usage'),
    (SELECT coalesce(sum(cost), 0) FROM usage_records WHERE user_id = %(user)s),
    (SELECT count(*) FROM usage_records WHERE user_id = %(user)s)
"""


@dataclass(frozen=True)
class Books:
    """A customer's balance, and the sums that it must equal."""

    balance: Decimal
    ledger: Decimal
    debits: Decimal
    cost: Decimal
    calls: int


def books_of(database_url: str, user_id: int) -> Books:
    """Return the customer's balance and sums, read in one statement."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(OF_A_CUSTOMER, {"user": user_id}).fetchone()
    assert row is not None
    return Books(*row)


def request_ids(database_url: str, user_id: int) -> Counter[str]:
    """Return the number of the customer's usage rows for each request id."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT request_id FROM usage_records WHERE user_id = %s", [user_id])
        return Counter(request_id for (request_id,) in rows)


def wait_until_expanded(database_url: str) -> None:
    """Return once the servers have expanded all batches of usage. Raises TimeoutError."""
    end = time.monotonic() + EXPANDED_SECONDS_MAXIMUM
    with psycopg.connect(database_url, autocommit=True) as connection:
        while connection.execute("SELECT FROM usage_batches LIMIT 1").fetchall():
            if time.monotonic() > end:
                raise TimeoutError("batches of usage stay pending")
            time.sleep(0.05)


def audit(database_url: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `manage.py audit_ledger`."""
    return subprocess.run(
        [sys.executable, "manage.py", "audit_ledger"],
        cwd=PROJECT,
        env={**os.environ, **ENVIRONMENT, "DATABASE_URL": database_url, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
