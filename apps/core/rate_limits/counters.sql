-- Lifetimes are in seconds, by the database's clock; NULL means that the counter never expires.

-- name: add
INSERT INTO rate_limit_counters AS counter (key, value, expires_at)
VALUES (%s, %s, coalesce(now() + make_interval(secs => %s::float8), '9999-01-01T00:00:00Z'))
ON CONFLICT (key) DO UPDATE
    SET value = EXCLUDED.value, expires_at = EXCLUDED.expires_at
    WHERE counter.expires_at <= now()
RETURNING value

-- name: get
SELECT value FROM rate_limit_counters WHERE key = %s AND expires_at > now()

-- name: set
INSERT INTO rate_limit_counters (key, value, expires_at)
VALUES (%s, %s, coalesce(now() + make_interval(secs => %s::float8), '9999-01-01T00:00:00Z'))
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, expires_at = EXCLUDED.expires_at

-- name: touch
UPDATE rate_limit_counters
SET expires_at = coalesce(now() + make_interval(secs => %s::float8), '9999-01-01T00:00:00Z')
WHERE key = %s AND expires_at > now()
RETURNING value

-- name: delete
DELETE FROM rate_limit_counters WHERE key = %s RETURNING value

-- name: increment
UPDATE rate_limit_counters SET value = value + %s WHERE key = %s AND expires_at > now() RETURNING value

-- name: clear
DELETE FROM rate_limit_counters

-- name: remove_expired
-- A few at a time, without waiting for workers that delete the same rows. In order, so that only expired rows are read,
-- by the index. MATERIALIZED, because PostgreSQL could run a subquery in the DELETE once per row, and its LIMIT would
-- have no effect.
WITH expired AS MATERIALIZED (
    SELECT key FROM rate_limit_counters WHERE expires_at <= now() ORDER BY expires_at LIMIT 10 FOR UPDATE SKIP LOCKED
)
DELETE FROM rate_limit_counters WHERE key IN (SELECT key FROM expired)
