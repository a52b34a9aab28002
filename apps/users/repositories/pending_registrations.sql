-- name: delete_expired
WITH chosen AS MATERIALIZED (
    SELECT id FROM pending_registrations WHERE created_at < now() - interval '2 days'
    ORDER BY id LIMIT %s::bigint FOR UPDATE SKIP LOCKED
), deleted AS (
    DELETE FROM pending_registrations USING chosen WHERE pending_registrations.id = chosen.id RETURNING 1
)
SELECT count(*) FROM deleted
