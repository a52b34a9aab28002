"""A database as large as a busy company's, for the pages and lists that staff work with.

A million accounts, keys and audit events, ten million calls, half of them of one customer, 1.5 million ledger entries
and 200,000 sessions, all made inside the server. It takes ten minutes and 5 GB.
"""

import psycopg

from tests.benchmarks.databases import settle

FIRST_ID = 1_000_000  # before it are the ids of what a first start makes
CUSTOMERS = 1_000_000
SESSIONS = 200_000
LEDGER_ENTRIES = 1_500_000
CALLS = 5_000_000  # of all customers, and as many more of the busy one
BUSY_CUSTOMER = FIRST_ID + 500_008
BUSY_KEY = FIRST_ID + pow(7919, -1, CUSTOMERS) * 500_007 % CUSTOMERS  # which FILL gives to that customer
DENIALS = 500_000
MAILS = 100_000
# Names that differ as real ones do: a search for a part of one finds a few of a million.
SIZES = {
    "first": FIRST_ID,
    "customers": CUSTOMERS,
    "sessions": SESSIONS,
    "entries": LEDGER_ENTRIES,
    "calls": CALLS,
    "busy_customer": BUSY_CUSTOMER,
    "busy_key": BUSY_KEY,
    "denials": DENIALS,
    "mails": MAILS,
}
FILL = (
    """
    INSERT INTO users (id, email, username, password, full_name, plan_id, is_active, is_staff, is_superuser,
        failed_login_attempts, email_verified_at, deleted_at)
    SELECT {first} + n, words.name || n || '@' || company || '.example', words.name || n, '!',
        initcap(words.name) || ' ' || initcap(company), plans.id, n % 50 <> 0, n % 100000 = 0, false, 0, now(),
        CASE WHEN n % 200 = 7 THEN now() - n * interval '1 second' END
    FROM generate_series(1, {customers}) AS n,
        LATERAL (SELECT left(md5(n::text), 6) AS name, left(md5((n / 9)::text), 8) AS company) AS words,
        plans WHERE plans.name = 'free'
    """,
    """
    INSERT INTO credit_balances (user_id, balance, updated_at)
    SELECT {first} + n, (n * 31) % 5000, now() FROM generate_series(1, {customers}) AS n
    """,
    """
    INSERT INTO api_keys (id, user_id, name, description, environment, scopes, ip_allowlist, metadata, is_active,
        revoked_at, revoked_reason)
    SELECT {first} + n, {first} + 1 + (n * 7919::bigint) % {customers}, left(md5(('key' || n)::text), 10), '', 'live',
        '{{orders:read}}', '{{}}', '{{}}', true, CASE WHEN n % 10 = 3 THEN now() END, ''
    FROM generate_series(1, {customers}) AS n
    """,
    """
    INSERT INTO api_key_counters (api_key_id) SELECT {first} + n FROM generate_series(1, {customers}) AS n
    """,
    """
    INSERT INTO api_key_secrets (api_key_id, digest, prefix, created_at)
    SELECT {first} + n, sha256(n::text::bytea), 'sk_live_' || left(md5(n::text), 4), now()
    FROM generate_series(1, {customers}) AS n
    """,
    """
    INSERT INTO sessions (user_id, family_digest, generation, methods, user_agent, last_used_at, created_at, expires_at,
        revoked_at, revoked_reason, ip_address)
    SELECT {first} + 1 + (n * 7919::bigint) % {customers}, sha256(n::text::bytea), 0, '{{pwd}}', 'browser',
        now() - n * interval '2 seconds', now() - n * interval '2 seconds', now() + (n % 3 - 1) * interval '1 day',
        CASE WHEN n % 4 = 1 THEN now() - n * interval '1 second' END, '', '10.0.0.0'::inet + n
    FROM generate_series(1, {sessions}) AS n
    """,
    """
    INSERT INTO credit_transactions (user_id, occurred_at, type, amount, balance_after, reference_id)
    SELECT {first} + 1 + (n * 7919::bigint) % {customers}, now() - ({entries} - n) * interval '3 seconds', kind, amount,
        100, CASE WHEN kind = 'top_up' THEN 'invoice ' || n ELSE '' END
    FROM generate_series(1, {entries}) AS n,
        LATERAL (SELECT CASE WHEN n % 3 = 0 THEN 'top_up' ELSE 'usage' END AS kind,
            CASE WHEN n % 3 = 0 THEN 3 ELSE -1 END AS amount) AS movement
    """,
    """
    INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, tag, request_id)
    SELECT now() - ({calls} - n) * interval '4 milliseconds', {first} + 1 + (n * 7919::bigint) % {customers},
        {first} + n % {customers}, 1, 1, '', md5(n::text)
    FROM generate_series(1, {calls}) AS n
    """,
    """
    INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, tag, request_id)
    SELECT now() - ({calls} - n) * interval '4 milliseconds', {busy_customer}, {busy_key}, 1, 1, '',
        md5('busy' || n)
    FROM generate_series(1, {calls}) AS n
    """,
    """
    INSERT INTO denials (api_key_id, minute_at, code, detail, count)
    SELECT {first} + n, date_trunc('minute', now() - n * interval '1 second'), 'RATE_LIMITED', 'minute', 3
    FROM generate_series(1, {denials}) AS n
    """,
    """
    INSERT INTO audit_events (occurred_at, actor_id, actor_kind, subject_id, action, target_kind, target_id, before,
        after, request_id, outcome)
    SELECT now() - ({customers} - n) * interval '5 seconds', {first} + 1 + (n * 7919::bigint) % {customers},
        CASE WHEN n % 50 = 0 THEN 'api_key' ELSE 'session' END, {first} + 1 + (n * 7919::bigint) % {customers},
        (ARRAY['session.started', 'api_key.created', 'api_key.rotated', 'user.updated', 'password.changed'])[1 + n % 5],
        (ARRAY['session', 'api_key', 'api_key', 'user', 'user'])[1 + n % 5], {first} + n, '{{}}', '{{}}',
        md5(n::text), CASE WHEN n % 30 = 0 THEN 'failure' ELSE 'success' END
    FROM generate_series(1, {customers}) AS n
    """,
    """
    INSERT INTO outgoing_mails (kind, recipient, user_id, key, expires_at, sent_at, created_at)
    SELECT 'notice', left(md5(n::text), 6) || n || '@' || left(md5((n / 9)::text), 8) || '.example', {first} + n,
        'large ' || n, now() + interval '1 hour', now(), now() - n * interval '1 second'
    FROM generate_series(1, {mails}) AS n
    """,
)


# The server has moved the mark over an empty table.
BEGIN_ROLLUPS = "UPDATE usage_rollups SET rolled_up_until = (SELECT min(occurred_at) FROM usage_events)"


def fill(url: str) -> None:
    """Fill a migrated database, and leave its statistics fresh."""
    with psycopg.connect(url, autocommit=True) as connection:
        # Without triggers and checks of foreign keys, which take most of the time; what triggers add is in FILL.
        connection.execute("SET session_replication_role = replica")
        for statement in FILL:
            connection.execute(statement.format(**SIZES))
        settle(connection)
        connection.execute(BEGIN_ROLLUPS)
