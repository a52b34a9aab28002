"""Makes and fills the databases, the fast way: COPY into the tables that `manage.py serve` has migrated."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from apps.api_keys.services import key_format
from apps.core.authorization.scopes import KEYS_VERIFY
from apps.core.crypto.passwords import Argon2idHasher
from tests.benchmarks.population import (
    BALANCE,
    LIMITS,
    PASSWORD,
    PLAN,
    PLAN_WITH_ONE_LIMIT,
    SCOPES,
    Key,
    Population,
    email_of,
)
from tests.benchmarks.usage_rows import insert_usage

# The ledger begins with what each customer has, so it sums up to the balances.
SET_BALANCES = """
UPDATE credit_balances SET balance = %(balance)s, updated_at = now() WHERE user_id = ANY(%(users)s);
"""
BEGIN_LEDGER = """
INSERT INTO credit_transactions (user_id, occurred_at, type, amount, balance_after, description, actor_kind)
SELECT user_id, now() - interval '61 days', 'top_up', %(balance)s, %(balance)s, 'opening', 'operator'
FROM unnest(%(users)s) AS user_id;
"""

GIVE_ROLE = "INSERT INTO users_groups (user_id, group_id) SELECT %s, id FROM auth_group WHERE name = 'service'"


def create_database(server_url: str, name: str, template: str = "template1") -> str:
    """Make a database as the template is on the server, in the place of an earlier one, and return its URL."""
    drop_database(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        names = sql.Identifier(name), sql.Identifier(template)
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def drop_database(server_url: str, name: str) -> None:
    """Give the space of a filled database back."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def fill(url: str, population: Population, usage_rows: int) -> None:
    """Put the population and what it has used into a migrated database, and leave its statistics fresh."""
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.transaction():
            _insert_users(connection, population)
            _insert_keys(connection, population)
        if usage_rows:
            insert_usage(connection, population, usage_rows)
        settle(connection)


def settle(connection: psycopg.Connection) -> None:
    """Do now what the server would do some time after so many rows have come."""
    connection.execute("VACUUM (FREEZE, ANALYZE)")
    connection.execute("CHECKPOINT")


def copy(connection: psycopg.Connection, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Put rows into a table."""
    with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copying:
        for row in rows:
            copying.write_row(row)


def hashed_password() -> str:
    """Return every customer's password, hashed as Keyhouse does."""
    hasher = Argon2idHasher()
    return str(hasher.encode(PASSWORD, hasher.salt()))


def _insert_plan(connection: psycopg.Connection, name: str, limits: Sequence[tuple[str, int, int]]) -> int:
    query = (
        "INSERT INTO plans (name, created_at, updated_at, credits_monthly) VALUES (%s, now(), now(), 0) RETURNING id"
    )
    row = connection.execute(query, [name]).fetchone()
    plan_id = int(row[0]) if row else 0
    rows = ((plan_id, *limit) for limit in limits)
    copy(connection, "plan_limits", 'plan_id, name, "limit", period_seconds', rows)
    return plan_id


def _insert_users(connection: psycopg.Connection, population: Population) -> None:
    password = hashed_password()
    _insert_users_of_plan(connection, population.users, _insert_plan(connection, PLAN, LIMITS), password)
    plan = _insert_plan(connection, PLAN_WITH_ONE_LIMIT, LIMITS[:1])
    _insert_users_of_plan(connection, list(population.customers_with_one_limit), plan, password)


def _insert_users_of_plan(connection: psycopg.Connection, ids: list[int], plan_id: int, password: str) -> None:
    constants = ("", False, plan_id, True, False, 0, password)
    columns = (
        "id, username, email, full_name, is_superuser, plan_id, is_active, is_staff, failed_login_attempts, password"
    )
    copy(connection, "users", columns, ((user, f"customer{user}", email_of(user), *constants) for user in ids))
    connection.execute(SET_BALANCES, {"balance": BALANCE, "users": ids})
    connection.execute(BEGIN_LEDGER, {"balance": BALANCE, "users": ids})


def _insert_keys(connection: psycopg.Connection, population: Population) -> None:
    service, all_keys = population.service_key, [*population.keys, *population.keys_with_one_limit]
    keys = sorted(all_keys, key=lambda key: key.id)
    _copy_keys(connection, [service], [KEYS_VERIFY])
    connection.execute(GIVE_ROLE, [service.user_id])
    _copy_keys(connection, keys, SCOPES)
    secrets = (
        (key.id, key_format.digest_of(key.secret), key_format.visible_prefix(key.secret), "now")
        for key in [service, *keys]
    )
    copy(connection, "api_key_secrets", "api_key_id, digest, prefix, created_at", secrets)


def _copy_keys(connection: psycopg.Connection, keys: list[Key], scopes: list[str]) -> None:
    columns = "id, user_id, name, description, environment, scopes, ip_allowlist, metadata, is_active, revoked_reason"
    rows: Iterator[tuple[Any, ...]] = (
        (key.id, key.user_id, f"key {key.id}", "", "live", scopes, [], "{}", True, "") for key in keys
    )
    copy(connection, "api_keys", columns, rows)
