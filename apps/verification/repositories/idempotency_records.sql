-- name: remove_old
-- Chosen in a CTE: a subquery with LIMIT in the DELETE itself may run more than once, and remove more than its limit.
WITH chosen AS MATERIALIZED (
    SELECT caller, api_key_id, request_id FROM verification_answers WHERE answered_at < now() - interval '1 day'
    ORDER BY answered_at LIMIT %s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM verification_answers AS answer USING chosen
    WHERE answer.caller = chosen.caller
        AND answer.api_key_id = chosen.api_key_id AND answer.request_id = chosen.request_id
    RETURNING 1
)
SELECT count(*) FROM removed

-- name: refused
-- The refused calls with a request id of their caller's, by the index verification_answers_refused.
SELECT answered_at, answer
FROM verification_answers
WHERE request_id = %(request_id)s
    AND answer LIKE '{"valid":false%%'
    AND answered_at > now() - make_interval(hours => %(hours)s)
    AND (%(user_id)s::bigint IS NULL OR (answer::jsonb ->> 'user_id')::bigint = %(user_id)s)
ORDER BY answered_at DESC
LIMIT %(maximum)s
