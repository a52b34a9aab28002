-- name: count_recent
SELECT code, sum(count)::bigint, max(minute_at)
FROM usage_denials
WHERE api_key_id = %s AND minute_at > now() - interval '1 day'
GROUP BY code
ORDER BY max(minute_at) DESC, code

-- name: remove_old
-- Chosen in a CTE: a subquery with LIMIT in the DELETE itself may run more than once, and remove more than its limit.
WITH chosen AS MATERIALIZED (
    SELECT api_key_id, minute_at, code FROM usage_denials WHERE minute_at < now() - interval '90 days'
    LIMIT %s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM usage_denials AS denial USING chosen
    WHERE denial.api_key_id = chosen.api_key_id AND denial.minute_at = chosen.minute_at AND denial.code = chosen.code
    RETURNING 1
)
SELECT count(*) FROM removed
