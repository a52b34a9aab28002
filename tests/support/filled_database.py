"""A database with many rows of everything, as a database is soon after it was filled: PostgreSQL has no statistics."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import psycopg
from django.db import connection, connections

from tests.support.server import separate_database

if TYPE_CHECKING:
    from django.db.backends.postgresql.base import DatabaseWrapper

CUSTOMERS = 5_000
KEYS = 20_000
ROWS = 10_000  # of each other table
FIRST_ID = 1_000_000  # before it are the ids of the rows that tests add
LARGE_TABLE_BYTES = 200_000
FILL = """
INSERT INTO users (id, email, username, password, full_name, plan_id, is_active, is_staff, is_superuser,
    failed_login_attempts, email_verified_at)
SELECT {first} + n, 'filled' || n || '@example.com', 'filled' || n, '!', '', plans.id, true, false, false, 0, now()
FROM generate_series(1, {customers}) AS n, plans WHERE plans.name = 'free';
INSERT INTO users_groups (user_id, group_id)
SELECT {first} + n, auth_group.id FROM generate_series(1, {customers}) AS n, auth_group
WHERE auth_group.name = 'service';
INSERT INTO api_keys (id, user_id, name, description, environment, scopes, ip_allowlist, metadata, is_active,
    revoked_reason)
SELECT {first} + n, {first} + 1 + n % {customers}, 'key', '', 'live', '{{orders:read,keys:verify}}', '{{}}', '{{}}',
    true, ''
FROM generate_series(1, {keys}) AS n;
INSERT INTO api_key_secrets (api_key_id, digest, prefix, created_at)
SELECT {first} + n, sha256(n::text::bytea), 'sk_live_' || n, now() FROM generate_series(1, {keys}) AS n;
INSERT INTO sessions (user_id, family_digest, generation, methods, user_agent, last_used_at, expires_at, revoked_reason)
SELECT {first} + 1 + n % {customers}, sha256(n::text::bytea), 0, '{{pwd}}', 'browser', now(),
    now() + interval '1 day', ''
FROM generate_series(1, {rows}) AS n;
INSERT INTO login_attempts (account_digest, client_address, failures, signed_in_at)
SELECT sha256(n::text::bytea), '192.0.2.1', 0, now() FROM generate_series(1, {rows}) AS n;
INSERT INTO credit_transactions (user_id, type, amount, balance_after, reference_id)
SELECT {first} + 1 + n % {customers}, 'top_up', 1, 1, 'invoice ' || n FROM generate_series(1, {rows}) AS n;
INSERT INTO credit_approvals (user_id, type, amount, reference_id, requested_by_id, expires_at, state, decided_by_id,
    decided_at)
SELECT {first} + 3 + n % ({customers} - 3), 'goodwill', 500, 'case ' || n, {first} + 1, now(), 'refused', {first} + 2,
    now()
FROM generate_series(1, {rows}) AS n;
INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, tag, request_id)
SELECT now(), {first} + 1 + n % {customers}, {first} + 1 + n, 0, 1, '', n::text FROM generate_series(1, {rows}) AS n;
INSERT INTO usage_denials (api_key_id, minute_at, code, count)
SELECT {first} + n, date_trunc('minute', now()), 'RATE_LIMITED', 1 FROM generate_series(1, {rows}) AS n;
INSERT INTO refusals (occurred_at, user_id, api_key_id, code, detail, scopes, cost, weight, tag, request_id,
    rate_limits)
SELECT now(), {first} + 1 + n % {customers}, {first} + n, 'RATE_LIMITED', 'minute', '{{}}', 0, 1, '', n::text, '[]'
FROM generate_series(1, {rows}) AS n;
INSERT INTO verification_answers (caller, api_key_id, request_id, answered_at, answer)
SELECT 'key:1', {first} + n, n::text, now(), '{{}}' FROM generate_series(1, {rows}) AS n;
INSERT INTO record_changes (xid, kind, record_id)
SELECT '1', 'key', {first} + n FROM generate_series(1, {rows}) AS n;
INSERT INTO idempotent_responses (digest, fingerprint, response_encrypted)
SELECT sha256(n::text::bytea), '', repeat('x', 200)::bytea FROM generate_series(1, {rows}) AS n;
INSERT INTO rate_limit_counters (key, value, expires_at)
SELECT 'address ' || n, 1, now() + interval '1 hour' FROM generate_series(1, {rows}) AS n;
INSERT INTO one_time_tokens (purpose, digest, user_id, data, expires_at)
SELECT 'reset_password', sha256(n::text::bytea), {first} + 1 + n % {customers}, '{{}}', now() + interval '1 hour'
FROM generate_series(1, {rows}) AS n;
INSERT INTO revoked_tokens (token_id, expires_at)
SELECT 'token ' || n, now() + interval '1 hour' FROM generate_series(1, {rows}) AS n;
INSERT INTO outgoing_mails (kind, recipient, user_id, key, expires_at, sent_at)
SELECT 'notice', 'filled' || n || '@example.com', {first} + 1 + n % {customers}, n::text,
    now() + interval '1 hour', now()
FROM generate_series(1, {rows}) AS n;
INSERT INTO audit_events (actor_id, actor_kind, subject_id, action, target_kind, target_id, before, after, request_id)
SELECT {first} + 1 + n % {customers}, 'session', {first} + 1 + n % {customers}, 'session.started', 'session', n, '{{}}',
    '{{}}', '' FROM generate_series(1, {rows}) AS n;
INSERT INTO identities (user_id, provider, issuer, subject, email)
SELECT {first} + n, 'acme', 'https://acme.example', 'filled ' || n, '' FROM generate_series(1, {customers}) AS n;
INSERT INTO totp_devices (user_id, secret_encrypted, confirmed_at)
SELECT {first} + n, '', now() FROM generate_series(1, {customers}) AS n;
INSERT INTO recovery_codes (user_id, digest)
SELECT {first} + 1 + n % {customers}, sha256(n::text::bytea) FROM generate_series(1, {rows}) AS n;
INSERT INTO passkeys (user_id, user_handle, name, credential_id, public_key, sign_count, aaguid, is_backup_eligible,
    is_backed_up)
SELECT {first} + n, '', 'passkey', ('filled ' || n)::bytea, '', 0, '00000000-0000-0000-0000-000000000000', false, false
FROM generate_series(1, {customers}) AS n;
INSERT INTO invitations (email, plan_id, expires_at)
SELECT 'invited' || n || '@example.com', plans.id, now() + interval '1 day'
FROM generate_series(1, {customers}) AS n, plans WHERE plans.name = 'free';
INSERT INTO pending_registrations (email, username, full_name, password)
SELECT 'pending' || n || '@example.com', 'pending' || n, '', '!' FROM generate_series(1, {customers}) AS n;
"""
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"


@contextmanager
def filled_database(server_url: str) -> Iterator[str]:
    """Create a filled database that has no statistics, yield its URL, and drop it at the end."""
    with separate_database(server_url, "keyhouse_filled") as url:
        with psycopg.connect(url) as filling:
            for (table,) in filling.execute(TABLES).fetchall():
                filling.execute(f'ALTER TABLE "{table}" SET (autovacuum_enabled = off)')
            filling.execute(FILL.format(first=FIRST_ID, customers=CUSTOMERS, keys=KEYS, rows=ROWS))
        yield url


def large_tables(url: str) -> frozenset[str]:
    """Return the tables that no request may read as a whole."""
    sizes = f"{TABLES} AND pg_relation_size(oid) > {LARGE_TABLE_BYTES}"
    with psycopg.connect(url) as reading:
        return frozenset(table for (table,) in reading.execute(sizes).fetchall())


@contextmanager
def connected_to(url: str, options: str) -> Iterator[None]:
    """Let Keyhouse use another database of the server, with these options of the connection."""
    settings, before = connection.settings_dict, dict(connection.settings_dict)
    given = settings["OPTIONS"]
    settings["NAME"] = urlsplit(url).path[1:]
    settings["OPTIONS"] = {**given, "options": f"{given['options']} {options}"}
    close_connections()
    try:
        yield
    finally:
        close_connections()
        settings.update(before)


def close_connections() -> None:
    connections.close_all()
    cast("DatabaseWrapper", connection).close_pool()
