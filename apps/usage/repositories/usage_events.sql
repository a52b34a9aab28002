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
