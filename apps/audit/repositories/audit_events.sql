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
