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

-- name: add_unknown_keys
-- In order, so that two workers do not wait for each other.
INSERT INTO denials AS denial (api_key_id, minute_at, code, detail, count)
SELECT 0, counted.minute_at, 'NOT_FOUND', counted.caller, counted.count
FROM unnest(%(minutes)s::timestamptz[], %(callers)s::text[], %(counts)s::bigint[])
    AS counted (minute_at, caller, count)
ORDER BY counted.minute_at, counted.caller
ON CONFLICT (api_key_id, minute_at, code, detail) DO UPDATE SET count = denial.count + EXCLUDED.count

-- name: unknown_keys
SELECT coalesce(sum(count), 0)::bigint
FROM (
    SELECT count FROM denials
    WHERE api_key_id = 0 AND minute_at >= %(starts_at)s::timestamptz AND minute_at < %(ends_at)s::timestamptz
        AND code = 'NOT_FOUND' AND detail = ANY(%(callers)s::text[])
    UNION ALL
    SELECT count FROM denial_quarters
    WHERE api_key_id = 0 AND quarter_at >= %(starts_at)s::timestamptz AND quarter_at < %(ends_at)s::timestamptz
        AND code = 'NOT_FOUND' AND detail = ANY(%(callers)s::text[])
) AS counted

-- name: last_of_keys
-- Each by the index of its key.
SELECT refused.api_key_id, refused.code, refused.detail, refused.count, refused.minute_at
FROM unnest(%s::bigint[]) AS key (id)
CROSS JOIN LATERAL (
    SELECT * FROM denials WHERE api_key_id = key.id AND minute_at > now() - interval '1 day'
    ORDER BY minute_at DESC LIMIT 1
) AS refused
ORDER BY refused.minute_at DESC, refused.api_key_id
