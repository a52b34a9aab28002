"""Checks that a served Keyhouse refuses promptly and changes nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.support.server import Server

SECONDS_MAXIMUM = 1.0
# Everything that a client can change; what a caller's own key has used is not a change it asks for.
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
    "credit_transactions": "to_jsonb(entry)",
    "sessions": "to_jsonb(entry)",
    "usage_events": "to_jsonb(entry)",
    "audit_events": "to_jsonb(entry)",
}


@contextmanager
def untouched(server: Server) -> Iterator[None]:
    """Check that what is done inside takes less than a second and leaves every row as it was."""
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
