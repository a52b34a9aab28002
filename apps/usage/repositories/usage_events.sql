-- name: by_key_and_day
-- The last 31 days only, which the index of accounts finds: an account may have millions of events. Pending batches of
-- other customers are skipped as a whole.
SELECT api_key_id, (occurred_at AT TIME ZONE 'UTC')::date, count(*), sum(cost), count(*) OVER ()
FROM usage_records
WHERE user_id = %(user_id)s AND occurred_at > now() - interval '31 days'
    AND (pending_user_ids IS NULL OR pending_user_ids @> ARRAY[%(user_id)s::bigint])
GROUP BY 1, 2
ORDER BY 2 DESC, 1 LIMIT %(maximum)s

-- name: expand_batches
-- Deletes the oldest batches, which the database expands in the same transaction (the trigger usage_batches_expand).
-- One process at a time: the others delete nothing and do not wait. This commit does not wait for the disk: if a crash
-- loses it, the batches are there again.
WITH claim AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(7205002) AS is_held, set_config('synchronous_commit', 'off', true)
), expanded AS (
    -- By their places: they are locked, and no row is ever updated.
    DELETE FROM usage_batches WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM usage_batches WHERE (SELECT is_held FROM claim) ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
    ))
    RETURNING 1
)
SELECT count(*) FROM expanded

-- name: vacuum_batches
-- Makes the space of expanded batches free for new ones, so that the table stays small and quick to read.
VACUUM (SKIP_LOCKED, TRUNCATE FALSE) usage_batches

-- name: with_request_id
-- The allowed calls with a request id, of the last hours, expanded or pending. The index usage_events_request is probed
-- for each ten minutes. The condition on the time leaves out the partitions of earlier days; as it has one bound only,
-- PostgreSQL does not read all calls of these hours instead.
SELECT request_id, occurred_at, api_key_id, user_id, cost, weight, tag, credit_transaction_id
FROM usage_events
WHERE date_bin('10 minutes', occurred_at, '2000-01-01 00:00+00') = ANY (ARRAY(
        SELECT generate_series(
            date_bin('10 minutes', now() - make_interval(hours => %(hours)s), '2000-01-01 00:00+00'),
            now() + interval '10 minutes',
            interval '10 minutes'
        )
    ))
    AND occurred_at >= now() - make_interval(hours => %(hours)s, mins => 10)
    AND hashtext(request_id) = hashtext(%(request_id)s)
    AND request_id = %(request_id)s
    AND (%(user_id)s::bigint IS NULL OR user_id = %(user_id)s)
UNION ALL
SELECT
    call.request_id, batch.occurred_at, call.api_key_id, call.user_id, call.cost, call.weight, coalesce(call.tag, ''),
    CASE WHEN call.cost <> 0 THEN batch.entry_ids[array_position(batch.debited_ids, call.user_id)] END
FROM usage_batches AS batch
CROSS JOIN unnest(batch.user_ids, batch.api_key_ids, batch.costs, batch.weights, batch.tags, batch.request_ids)
    AS call (user_id, api_key_id, cost, weight, tag, request_id)
WHERE batch.request_ids @> ARRAY[%(request_id)s]
    AND call.request_id = %(request_id)s
    AND (%(user_id)s::bigint IS NULL OR call.user_id = %(user_id)s)
ORDER BY occurred_at DESC
LIMIT %(maximum)s
-- name: calls_today
-- The allowed calls are counted up to a maximum, and the refused ones of some keys: a customer may have any number.
SELECT
    (
        SELECT count(*) FROM (
            SELECT FROM usage_records
            WHERE user_id = %(user_id)s AND occurred_at >= date_trunc('day', now(), 'UTC')
                AND (pending_user_ids IS NULL OR pending_user_ids @> ARRAY[%(user_id)s::bigint])
            LIMIT %(maximum)s
        ) AS allowed
    ),
    (
        SELECT coalesce(sum(refused.count), 0)::bigint
        FROM unnest(%(ids)s::bigint[]) AS key (id)
        CROSS JOIN LATERAL (
            SELECT count FROM denials WHERE api_key_id = key.id AND minute_at >= date_trunc('day', now(), 'UTC')
        ) AS refused
    )

-- name: calls_of_entries
-- An entry has the time of its calls, by which the index of customers finds them.
SELECT credit_transaction_id, api_key_id, count(*), (array_agg(request_id ORDER BY id))[1]
FROM usage_records
WHERE user_id = %(user_id)s AND occurred_at = ANY(%(times)s::timestamptz[])
    AND credit_transaction_id = ANY(%(ids)s::bigint[])
    AND (pending_user_ids IS NULL OR pending_user_ids @> ARRAY[%(user_id)s::bigint])
GROUP BY credit_transaction_id, api_key_id
ORDER BY credit_transaction_id, api_key_id

-- name: calls_by_hour
-- The calls of each of the last 24 hours, for a picture of them. The allowed calls are counted up to a maximum an hour,
-- by the index of accounts; those of the last second, which are not expanded yet, are left out.
WITH refused AS (
    SELECT date_trunc('hour', denied.minute_at, 'UTC') AS hour, sum(denied.count)::bigint AS number
    FROM unnest(%(ids)s::bigint[]) AS key (id)
    CROSS JOIN LATERAL (
        SELECT minute_at, count FROM denials
        WHERE api_key_id = key.id AND minute_at >= date_trunc('hour', now(), 'UTC') - interval '23 hours'
    ) AS denied
    GROUP BY 1
)
SELECT
    hours.hour,
    (
        SELECT count(*) FROM (
            SELECT FROM usage_events
            WHERE user_id = %(user_id)s AND occurred_at >= hours.hour AND occurred_at < hours.hour + interval '1 hour'
            LIMIT %(maximum)s
        ) AS allowed
    ),
    coalesce(refused.number, 0)
FROM generate_series(
    date_trunc('hour', now(), 'UTC') - interval '23 hours', date_trunc('hour', now(), 'UTC'), interval '1 hour'
) AS hours (hour)
LEFT JOIN refused ON refused.hour = hours.hour
ORDER BY 1

-- name: drop_oldest_partition
SELECT drop_usage_partition(date_trunc('day', now() - make_interval(days => %(days)s), 'UTC'))
