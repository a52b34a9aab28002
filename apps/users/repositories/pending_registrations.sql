-- name: lock_address
-- There may be no row of the address yet, so the lock is on its digest.
SELECT pg_advisory_xact_lock(hashtextextended('pending_registrations ' || lower(%s), 0))

-- name: count_recent
SELECT count(*) FROM pending_registrations
WHERE lower(email) = lower(%s) AND created_at > now() - interval '1 hour'

-- name: remove
DELETE FROM pending_registrations WHERE lower(email) = lower(%s)

-- name: clean_up
WITH chosen AS MATERIALIZED (
    SELECT id FROM pending_registrations WHERE created_at < now() - interval '2 days'
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM pending_registrations USING chosen WHERE pending_registrations.id = chosen.id RETURNING 1
)
SELECT count(*) FROM removed
