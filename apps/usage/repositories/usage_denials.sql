-- name: count_recent
SELECT code, detail, sum(count)::bigint, max(minute_at)
FROM denials
WHERE api_key_id = %s AND minute_at > now() - interval '1 day'
GROUP BY code, detail
ORDER BY max(minute_at) DESC, code, detail

-- name: roll_up_old
-- Moves counts of minutes to those of quarters of an hour. Chosen in a CTE: a subquery with LIMIT in the DELETE itself
-- may run more than once, and remove more than its limit.
WITH chosen AS MATERIALIZED (
    SELECT api_key_id, minute_at, code, detail FROM denials
    WHERE minute_at < date_trunc('day', now() - make_interval(days => %(days)s), 'UTC')
    LIMIT %(maximum)s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM denials AS denial USING chosen
    WHERE (denial.api_key_id, denial.minute_at, denial.code, denial.detail)
        = (chosen.api_key_id, chosen.minute_at, chosen.code, chosen.detail)
    RETURNING denial.api_key_id, denial.minute_at, denial.code, denial.detail, denial.count
), added AS (
    INSERT INTO denial_quarters AS quarter (api_key_id, quarter_at, code, detail, count)
    SELECT api_key_id, date_bin('15 minutes', minute_at, '2000-01-01 00:00+00'), code, detail, sum(count)
    FROM removed GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (api_key_id, quarter_at, code, detail) DO UPDATE SET count = quarter.count + EXCLUDED.count
)
SELECT count(*) FROM removed

-- name: last_of_keys
-- Each by the index of its key.
SELECT refused.api_key_id, refused.code, refused.detail, refused.count, refused.minute_at
FROM unnest(%s::bigint[]) AS key (id)
CROSS JOIN LATERAL (
    SELECT * FROM denials WHERE api_key_id = key.id AND minute_at > now() - interval '1 day'
    ORDER BY minute_at DESC LIMIT 1
) AS refused
ORDER BY refused.minute_at DESC, refused.api_key_id
