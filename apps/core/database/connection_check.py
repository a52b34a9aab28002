"""Whether the database can be used: what is wrong with it becomes one line that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import psycopg
from django.conf import settings
from django.db import connections

if TYPE_CHECKING:
    from django.db.backends.postgresql.base import DatabaseWrapper

POSTGRESQL_SINCE = 150_000
# Connection parameters of Django that libpq does not accept.
NOT_FOR_LIBPQ = {"pool", "cursor_factory", "context", "prepare_threshold", "server_side_binding"}
CHECK_DATABASE = """
SELECT current_setting('server_encoding'), pg_is_in_recovery(), current_schema(),
    has_schema_privilege(coalesce(current_schema(), 'pg_catalog'), 'CREATE')
"""
SET_POOLER = "set DATABASE_POOLER=transaction, or connect to PostgreSQL directly"
# What libpq and PostgreSQL say, which is shown too: they may say it in another language.
ADVICE = {
    "password authentication failed": "check the user and the password in DATABASE_URL",
    "no password supplied": "DATABASE_URL has no password",
    "no pg_hba.conf entry": "let pg_hba.conf accept this machine, user and database, or use sslmode=require",
    'role "': "check the user in DATABASE_URL, or create the role: CREATE ROLE … LOGIN PASSWORD …",
    "does not exist": "check the name in DATABASE_URL, or create the database: CREATE DATABASE … ENCODING 'UTF8'",
    "failed to resolve": "check the host in DATABASE_URL",
    "Connection refused": "check host and port in DATABASE_URL, and that PostgreSQL runs and listens there",
    "No such file or directory": "check the socket's directory in DATABASE_URL, and that PostgreSQL runs",
    "timeout expired": "check host, port and firewall: nothing answers there",
    "remaining connection slots": "raise max_connections, or lower WORKERS or DATABASE_POOL_SIZE",
    "too many clients": "raise max_connections, or lower WORKERS or DATABASE_POOL_SIZE",
    "permission denied for database": "grant the role CONNECT on the database",
    "SSL": "check sslmode and the certificates in DATABASE_URL",
    "certificate": "check sslmode and the certificates in DATABASE_URL",
    "startup parameter": f"this is a pooler: {SET_POOLER}",
    "statement pooling mode": "PgBouncer's pool_mode must be transaction or session",
    "starting up": "wait until PostgreSQL has started",
    "shutting down": "wait until PostgreSQL has started",
    "recovery mode": "wait until PostgreSQL has started",
}


class DatabaseUnusable(Exception):
    """Why the database cannot be used, and what to do, in one line."""


def require_database(*, to_migrate: bool = False) -> None:
    """Check that the database can be used, and its schema changed if `to_migrate`. Raises DatabaseUnusable."""
    with opened_connection() as opened:
        encoding, is_standby, schema, may_create = opened.execute(CHECK_DATABASE).fetchall()[0]
        if opened.info.server_version < POSTGRESQL_SINCE:
            raise DatabaseUnusable(f"PostgreSQL {opened.info.server_version // 10_000} is too old: use 15 or later")
        if encoding != "UTF8":
            raise DatabaseUnusable(
                f"the database has the encoding {encoding}, which cannot store every name: create one with "
                "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
            )
        if is_standby:
            raise DatabaseUnusable("the server is a read-only standby: connect to the primary")
        if schema is None or (to_migrate and not may_create):
            raise DatabaseUnusable(
                f"the role {opened.info.user} may not create tables in the schema {schema or 'public'}: "
                f"GRANT CREATE, USAGE ON SCHEMA {schema or 'public'} TO {opened.info.user}, or make it the owner"
            )
        _refuse_undeclared_pooler(opened)
        _refuse_isolation(opened)


def problem_of_connection() -> str | None:
    """Return why the database cannot be connected to, or None when it can."""
    try:
        with opened_connection():
            return None
    except DatabaseUnusable as problem:
        return str(problem)


@contextmanager
def opened_connection() -> Iterator[psycopg.Connection[Any]]:
    """Open a connection of its own, outside all pools, in autocommit mode. Raises DatabaseUnusable."""
    wrapper = cast("DatabaseWrapper", connections["default"])
    parameters = {name: value for name, value in wrapper.get_connection_params().items() if name not in NOT_FOR_LIBPQ}
    try:
        opened = psycopg.connect(**parameters, autocommit=True, prepare_threshold=None)
    except psycopg.Error as error:
        raise DatabaseUnusable(explained(error)) from None
    with opened:
        try:
            with opened.transaction():  # which PgBouncer refuses in statement mode
                opened.execute("SELECT 1")
        except psycopg.Error as error:
            raise DatabaseUnusable(explained(error)) from None
        yield opened


def explained(error: BaseException) -> str:
    """Return libpq's reason in one line, without the address that was tried, and what to do about it."""
    message = " ".join(str(error).split())
    reason = message.removeprefix("connection failed: ").replace(" Is the server running", "; is the server running")
    advice = next(
        (advice for text, advice in ADVICE.items() if text in message),
        "check that PostgreSQL runs, and host and port in DATABASE_URL",
    )
    return f"{reason}: {advice}"


def _refuse_undeclared_pooler(opened: psycopg.Connection[Any]) -> None:
    """Raise DatabaseUnusable when two connections share a server's process, and DATABASE_POOLER does not say so."""
    if settings.DATABASE_POOLER:
        return
    with opened_connection() as other:
        if _process(opened) == _process(other):
            raise DatabaseUnusable(f"the database is behind a pooler in transaction mode: {SET_POOLER}")


def _refuse_isolation(opened: psycopg.Connection[Any]) -> None:
    """Raise DatabaseUnusable when transactions through the pooler would not see what they have waited for.

    Without a pooler, each connection sets the level itself.
    """
    ((level,),) = opened.execute("SHOW default_transaction_isolation").fetchall()
    if settings.DATABASE_POOLER and level != "read committed":
        raise DatabaseUnusable(
            f"transactions behind the pooler are {level}: "
            f"ALTER ROLE {opened.info.user} SET default_transaction_isolation = 'read committed'"
        )


def _process(opened: psycopg.Connection[Any]) -> int:
    return int(opened.execute("SELECT pg_backend_pid()").fetchall()[0][0])
