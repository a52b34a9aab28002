"""Asserts that a running server rejects requests promptly, without changing data."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.support.server import Server

SECONDS_MAXIMUM = 1.0
# Everything that clients can change, except the usage of the caller's own key.
TABLES = {
    "users": "to_jsonb(entry)",
    "users_groups": "to_jsonb(entry)",
    "auth_group": "to_jsonb(entry)",
    "role_scopes": "to_jsonb(entry)",
    "plans": "to_jsonb(entry)",
    "plan_limits": "to_jsonb(entry)",
    "api_keys": "to_jsonb(entry)",
    "api_key_secrets": "to_jsonb(entry)",
    "credit_balances": "to_jsonb(entry)",
    "ledger_entries": "to_jsonb(entry)",
    "sessions": "to_jsonb(entry)",
    "usage_records": "to_jsonb(entry)",
    "audit_events": "to_jsonb(entry)",
}


@contextmanager
def untouched(server: Server) -> Iterator[None]:
    """Assert that the block takes less than SECONDS_MAXIMUM and changes no row."""
    before = _contents(server)
    started = time.monotonic()
    yield
    assert time.monotonic() - started < SECONDS_MAXIMUM
    assert _contents(server) == before


def _contents(server: Server) -> dict[str, list[str]]:
    with psycopg.connect(server.database_url) as connection:
        return {
            table: [text for (text,) in connection.execute(f"SELECT ({row})::text FROM {table} AS entry ORDER BY 1")]
            for table, row in TABLES.items()
        }
