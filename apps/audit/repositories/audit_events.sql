-- name: delete_attempts
-- The condition of the index audit_events_attempts. As a parameter, it would match no index. Chosen in a CTE: a subquery
-- with LIMIT in the DELETE itself may run more than once, and delete more than its limit.
WITH chosen AS MATERIALIZED (
    SELECT id FROM audit_events
    WHERE (outcome = 'failure' AND NOT action = 'session.reuse_detected' OR action = 'password.reset_asked')
        AND occurred_at < now() - make_interval(days => %(days)s::int)
    ORDER BY occurred_at
    LIMIT %(maximum)s
    FOR UPDATE SKIP LOCKED
), deleted AS (
    DELETE FROM audit_events AS event USING chosen WHERE event.id = chosen.id RETURNING 1
)
SELECT count(*) FROM deleted

-- name: trail
-- Each part is read by an index of its own, newest first, and no further than it is needed.
SELECT id FROM (
    (
        SELECT id FROM audit_events WHERE subject_id = %(account)s AND id < %(position)s
        ORDER BY id DESC LIMIT %(maximum)s
    ) UNION (
        SELECT id FROM audit_events WHERE actor_id = %(account)s AND id < %(position)s
        ORDER BY id DESC LIMIT %(maximum)s
    ) UNION (
        SELECT id FROM audit_events WHERE target_kind = 'user' AND target_id = %(account)s AND id < %(position)s
        ORDER BY id DESC LIMIT %(maximum)s
    )
) AS found
ORDER BY id DESC LIMIT %(maximum)s

-- name: end_of_access
-- The condition is that of the index audit_events_end_of_access, in clear: PostgreSQL does not use the index for the
-- same condition with parameters.
SELECT id FROM audit_events
WHERE target_id = %s::bigint AND target_kind = 'user' AND action IN ('user.suspended', 'user.deleted')
ORDER BY id DESC LIMIT 1
