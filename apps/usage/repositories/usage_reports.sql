-- name: report
-- Sums by interval and group: from the rollups, the usage events that are not in them yet, the batches that are not
-- expanded yet, and the counts of refused calls. One statement, so that it sees each call once. The groups with most
-- calls have their name, the others together none. {rollup} and {refused} are parts of this statement, {name} and
-- {pending_name} name the group of a call.
WITH mark AS (
    -- Intervals of a minute are read from the usage events alone.
    SELECT CASE WHEN %(is_by_minute)s THEN '-infinity' ELSE coalesce(max(rolled_up_until), '-infinity') END AS at
    FROM usage_rollups
), part (number, name, calls, refused, weight, cost) AS MATERIALIZED (
    {rollup}
    UNION ALL
    SELECT width_bucket(occurred_at, %(starts)s::timestamptz[]), {name}, count(*), 0, sum(weight), sum(cost)
    FROM usage_events
    WHERE {customer} occurred_at >= greatest(%(starts_at)s::timestamptz, (SELECT at FROM mark))
        AND occurred_at < %(ends_at)s::timestamptz
    GROUP BY 1, 2
    UNION ALL
    SELECT width_bucket(batch.occurred_at, %(starts)s::timestamptz[]), {pending_name}, count(*), 0, sum(call.weight),
        sum(call.cost)
    FROM usage_batches AS batch
    CROSS JOIN unnest(batch.user_ids, batch.api_key_ids, batch.costs, batch.weights, batch.tags)
        AS call (user_id, api_key_id, cost, weight, tag)
    WHERE {pending_customer} batch.occurred_at >= %(starts_at)s::timestamptz
        AND batch.occurred_at < %(ends_at)s::timestamptz
    GROUP BY 1, 2
    {refused}
), top AS (
    SELECT name FROM part WHERE name IS NOT NULL
    GROUP BY name ORDER BY sum(calls) + sum(refused) DESC, name LIMIT %(top)s
)
SELECT number - 1, (CASE WHEN name IN (SELECT name FROM top) THEN name END)::text, sum(calls)::bigint, sum(refused)::bigint,
    sum(weight)::bigint, sum(cost)
FROM part
GROUP BY 1, 2
HAVING sum(calls) <> 0 OR sum(refused) <> 0
ORDER BY 2, 1

-- name: rollup_by_key
SELECT width_bucket(quarter_at, %(starts)s::timestamptz[]), {rollup_name}, sum(calls), 0, sum(weight), sum(cost)
    FROM key_usage_quarters
    WHERE NOT %(is_by_minute)s AND user_id = %(user_id)s AND quarter_at >= %(starts_at)s::timestamptz
        AND quarter_at < %(ends_at)s::timestamptz
    GROUP BY 1, 2

-- name: rollup_by_tag
-- Calls without a tag are those of all keys without those of all tags.
SELECT width_bucket(quarter_at, %(starts)s::timestamptz[]), tag, sum(calls), 0, sum(weight), sum(cost)
    FROM (
        SELECT quarter_at, tag, calls, weight, cost FROM tag_usage_quarters
        WHERE user_id = %(user_id)s AND quarter_at >= %(starts_at)s::timestamptz
            AND quarter_at < %(ends_at)s::timestamptz
        UNION ALL
        SELECT quarter_at, '', -calls, -weight, -cost FROM tag_usage_quarters
        WHERE user_id = %(user_id)s AND quarter_at >= %(starts_at)s::timestamptz
            AND quarter_at < %(ends_at)s::timestamptz
        UNION ALL
        SELECT quarter_at, '', calls, weight, cost FROM key_usage_quarters
        WHERE user_id = %(user_id)s AND quarter_at >= %(starts_at)s::timestamptz
            AND quarter_at < %(ends_at)s::timestamptz
    ) AS quarter
    WHERE NOT %(is_by_minute)s
    GROUP BY 1, 2

-- name: rollup_by_customer
SELECT width_bucket(day_at, %(starts)s::timestamptz[]), {rollup_name}, calls, 0, weight, cost
    FROM customer_usage_days
    WHERE NOT %(is_by_minute)s AND {days}

-- name: refused
-- By the indexes of the keys. A count is either of a minute or of a quarter of an hour.
UNION ALL
    SELECT width_bucket(denial.at, %(starts)s::timestamptz[]), {refused_name}, 0, sum(denial.count), 0, 0
    FROM unnest(%(key_ids)s::bigint[]) AS key (id)
    CROSS JOIN LATERAL (
        SELECT minute_at AS at, code, count FROM denials
        WHERE api_key_id = key.id AND minute_at >= %(starts_at)s::timestamptz AND minute_at < %(ends_at)s::timestamptz
        UNION ALL
        SELECT quarter_at, code, count FROM denial_quarters
        WHERE api_key_id = key.id AND quarter_at >= %(starts_at)s::timestamptz
            AND quarter_at < %(ends_at)s::timestamptz
    ) AS denial
    GROUP BY 1, 2
