-- name: lock_address
-- The address may have no row yet, so the lock is on its digest.
SELECT pg_advisory_xact_lock(hashtextextended('pending_registrations ' || lower(%s::text), 0))

-- name: delete_expired
WITH chosen AS MATERIALIZED (
    SELECT id FROM pending_registrations WHERE created_at < now() - interval '2 days'
    ORDER BY id LIMIT %s::bigint FOR UPDATE SKIP LOCKED
), deleted AS (
    DELETE FROM pending_registrations USING chosen WHERE pending_registrations.id = chosen.id RETURNING 1
)
SELECT count(*) FROM deleted
