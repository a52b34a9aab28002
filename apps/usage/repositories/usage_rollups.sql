-- name: claim
-- One process at a time rolls up: the others do nothing. Only the claim holds it, until the transaction ends.
SELECT pg_try_advisory_xact_lock(7205003) AND NOT EXISTS (
    SELECT FROM usage_rollups WHERE rolled_up_until > now() - make_interval(secs => %(pause)s)
)

-- name: wait_for_expansion
-- Waits for the statement that expands batches now, and keeps the next ones out.
SELECT pg_advisory_xact_lock(7205002), set_config('synchronous_commit', 'off', true)

-- name: lock
-- Waits for whatever else expands batches, so that the next statement sees all events of those that were.
INSERT INTO usage_rollups AS rollup (id, rolled_up_until) VALUES (1, '2000-01-01 00:00+00')
ON CONFLICT (id) DO UPDATE SET rolled_up_until = rollup.rolled_up_until
RETURNING rolled_up_until

-- name: end_of_part
-- Up to which time the next %(maximum)s events or so reach, but no event of the last seconds. Many events may have one
-- time: then a second's, if they are more than the maximum.
SELECT least(
    now() - make_interval(secs => %(lag)s),
    coalesce(
        (
            SELECT greatest(last.occurred_at, first.occurred_at + interval '1 second')
            FROM (
                SELECT occurred_at FROM usage_events WHERE occurred_at >= %(since)s::timestamptz
                ORDER BY occurred_at OFFSET %(maximum)s LIMIT 1
            ) AS last, (
                SELECT occurred_at FROM usage_events WHERE occurred_at >= %(since)s::timestamptz
                ORDER BY occurred_at LIMIT 1
            ) AS first
        ),
        'infinity'
    )
)

-- name: add
-- Adds the events of a part to all rollups, and moves the mark.
WITH part AS MATERIALIZED (
    SELECT user_id, api_key_id, tag, date_bin('15 minutes', occurred_at, '2000-01-01 00:00+00') AS quarter_at,
        count(*) AS calls, sum(weight) AS weight, sum(cost) AS cost
    FROM usage_events
    WHERE occurred_at >= %(since)s::timestamptz AND occurred_at < %(until)s::timestamptz
    GROUP BY 1, 2, 3, 4
), by_key AS (
    INSERT INTO key_usage_quarters AS rollup (user_id, quarter_at, api_key_id, calls, weight, cost)
    SELECT user_id, quarter_at, api_key_id, sum(calls), sum(weight), sum(cost) FROM part
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (user_id, quarter_at, api_key_id) DO UPDATE SET calls = rollup.calls + EXCLUDED.calls,
        weight = rollup.weight + EXCLUDED.weight, cost = rollup.cost + EXCLUDED.cost
), by_tag AS (
    INSERT INTO tag_usage_quarters AS rollup (user_id, quarter_at, tag, calls, weight, cost)
    SELECT user_id, quarter_at, tag, sum(calls), sum(weight), sum(cost) FROM part
    WHERE tag <> '' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (user_id, quarter_at, tag) DO UPDATE SET calls = rollup.calls + EXCLUDED.calls,
        weight = rollup.weight + EXCLUDED.weight, cost = rollup.cost + EXCLUDED.cost
), by_customer AS (
    INSERT INTO customer_usage_days AS rollup (day_at, user_id, calls, weight, cost)
    SELECT date_trunc('day', quarter_at, 'UTC'), user_id, sum(calls), sum(weight), sum(cost) FROM part
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (day_at, user_id) DO UPDATE SET calls = rollup.calls + EXCLUDED.calls,
        weight = rollup.weight + EXCLUDED.weight, cost = rollup.cost + EXCLUDED.cost
), moved AS (
    UPDATE usage_rollups SET rolled_up_until = %(until)s::timestamptz
)
SELECT coalesce(sum(calls), 0)::bigint FROM part
