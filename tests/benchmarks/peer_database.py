"""Fills the other service's database with the customers and keys that Keyhouse has."""

from collections.abc import Iterator
from typing import Any

import psycopg

from apps.api_keys.services import key_format
from apps.core.authorization.scopes import KEYS_VERIFY
from tests.benchmarks.databases import copy, hashed_password, settle
from tests.benchmarks.population import BALANCE, LIMITS, PLAN, SCOPES, Population, email_of

PLAN_ID = 1
KEY_COLUMNS = (
    "id, user_id, digest, prefix, name, description, environment, scopes, ip_allowlist, metadata, is_active, "
    "revoked_reason"
)


def fill(url: str, population: Population) -> None:
    """Put the population into the tables, and leave their statistics fresh."""
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.transaction():
            _insert_users(connection, population.users)
            _insert_keys(connection, population)
        settle(connection)


def _insert_users(connection: psycopg.Connection, ids: list[int]) -> None:
    copy(connection, "plans", "id, name", [(PLAN_ID, PLAN)])
    limits = ((PLAN_ID, *limit) for limit in LIMITS)
    copy(connection, "plan_limits", 'plan_id, name, "limit", period_seconds', limits)
    constants = ("", PLAN_ID, True, False, hashed_password())
    users = ((user, f"customer{user}", email_of(user), *constants) for user in ids)
    copy(connection, "users", "id, username, email, full_name, plan_id, is_active, is_staff, password", users)
    copy(connection, "credit_balances", "user_id, balance", ((user, BALANCE) for user in ids))
    openings = ((user, "top_up", BALANCE, BALANCE) for user in ids)
    copy(connection, "credit_transactions", "user_id, type, amount, balance_after", openings)


def _insert_keys(connection: psycopg.Connection, population: Population) -> None:
    keys = [population.service_key, *sorted(population.keys, key=lambda key: key.id)]
    scopes = {population.service_key.id: [KEYS_VERIFY]}
    rows: Iterator[tuple[Any, ...]] = (
        (
            *(key.id, key.user_id, key_format.digest_of(key.secret), key_format.visible_prefix(key.secret)),
            *(f"key {key.id}", "", "live", scopes.get(key.id, SCOPES), [], "{}", True, ""),
        )
        for key in keys
    )
    copy(connection, "api_keys", KEY_COLUMNS, rows)
