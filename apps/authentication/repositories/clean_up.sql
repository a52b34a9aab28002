-- The rows are chosen in a CTE: a subquery with LIMIT in the DELETE itself may be run more than once, and then deletes
-- more than its limit.

-- name: login_attempts
-- Wrong passwords count for a day, and a client is remembered for 90 days (see login_attempts.sql): these rows have no
-- effect.
WITH chosen AS MATERIALIZED (
    SELECT id FROM login_attempts
    WHERE coalesce(last_failed_at, '-infinity') < now() - interval '1 day'
        AND coalesce(locked_until, '-infinity') <= now()
        AND coalesce(signed_in_at, '-infinity') < now() - interval '90 days'
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM login_attempts USING chosen WHERE login_attempts.id = chosen.id RETURNING 1
)
SELECT count(*) FROM removed

-- name: sessions
-- LEAST skips NULL: a session that was not revoked ends when it expires. Until then it identifies known devices.
WITH chosen AS MATERIALIZED (
    SELECT id FROM sessions WHERE least(revoked_at, expires_at) < now() - interval '90 days'
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM sessions USING chosen WHERE sessions.id = chosen.id RETURNING 1
)
SELECT count(*) FROM removed

-- name: signing_keys
-- All tokens that they signed have expired; they are kept for investigations.
WITH chosen AS MATERIALIZED (
    SELECT id FROM signing_keys WHERE retires_at < now() - interval '30 days'
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM signing_keys USING chosen WHERE signing_keys.id = chosen.id RETURNING 1
)
SELECT count(*) FROM removed

-- name: admin_sessions
WITH chosen AS MATERIALIZED (
    SELECT session_key FROM django_session WHERE expire_date < now()
    ORDER BY session_key LIMIT %s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM django_session USING chosen WHERE django_session.session_key = chosen.session_key RETURNING 1
)
SELECT count(*) FROM removed
