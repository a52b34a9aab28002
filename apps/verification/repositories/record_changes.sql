-- name: check
-- What has changed since the snapshot of the last check. A statement has one snapshot, so the next check starts from
-- exactly what this one has seen. The last snapshot does not show transactions that began after it (from its xmax) or
-- were in progress (its xip): one that began early and commits late is found, which no highest id or time can promise.
-- Both bounds of xid are given, because the generic plan expects a single one to match a third of the table.
WITH trigger AS (
    -- Changes if a trigger was created, enabled or disabled, if only for a moment.
    SELECT
        sum(hashtextextended(xmin::text, oid::bigint)) AS version,
        count(*) FILTER (WHERE tgenabled = 'A') = {triggers} AS are_enabled
    FROM pg_trigger
    WHERE tgrelid = ANY({tables}) AND tgname = ANY({names})
), state AS MATERIALIZED (
    SELECT
        concat_ws(
            ' ',
            -- Another server, or a restart.
            date_part('epoch', pg_postmaster_start_time()),
            -- A crash resets it, and may use ids of transactions again. It is compared only with itself, as the former.
            date_part('epoch', pg_stat_get_bgwriter_stat_reset_time()),
            (SELECT oid FROM pg_database WHERE datname = current_database()),
            -- A table was replaced, rewritten or truncated.
            (
                SELECT sum(hashoidextended(relfilenode, oid::bigint)) FROM pg_class
                WHERE oid = ANY({tables})
            ),
            trigger.version,
            -- A standby's snapshots are incomplete, also to the server that it becomes.
            pg_is_in_recovery()
        ) AS identity,
        trigger.are_enabled AND NOT pg_is_in_recovery() AS is_watched
    FROM trigger
), change AS (
    (
        SELECT kind, record_id FROM record_changes
        WHERE xid >= pg_snapshot_xmax(%(snapshot)s::pg_snapshot) AND xid < pg_snapshot_xmax(pg_current_snapshot())
    )
    UNION ALL
    (
        SELECT kind, record_id FROM record_changes
        -- Not of those that are still in progress, which may have changed a million records.
        WHERE xid = ANY(ARRAY(
            SELECT begun FROM pg_snapshot_xip(%(snapshot)s::pg_snapshot) AS begun
            WHERE pg_visible_in_snapshot(begun, pg_current_snapshot())
        ))
    )
    LIMIT {maximum} + 1
), changes AS (
    SELECT
        count(*) > {maximum} OR coalesce(bool_or(kind = 'all'), false) AS are_all,
        array_agg(record_id) FILTER (WHERE kind = 'key') AS key_ids,
        array_agg(record_id) FILTER (WHERE kind = 'user') AS user_ids
    FROM change
)
SELECT
    pg_current_snapshot()::text,
    state.identity,
    statement_timestamp(),
    coalesce(state.is_watched AND state.identity = %(identity)s::text AND NOT changes.are_all, false) AND NOT EXISTS (
        SELECT FROM record_changes
        WHERE kind = 'floor' AND xid >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot)
            AND xid < pg_snapshot_xmax(pg_current_snapshot())
    ),
    changes.key_ids,
    changes.user_ids
FROM state, changes

-- name: remove_old
-- Only changes of transactions that no snapshot misses any more: a worker that checks at each batch never reads that
-- changes were removed, though a long transaction may be running. Ids that the server has not reached are those of
-- another one, from which the database was restored. Triggers raise the floor, and the highest floor stays.
WITH chosen AS MATERIALIZED (
    SELECT xid, kind, record_id FROM record_changes
    WHERE changed_at < now() - interval '1 hour'
        AND (xid < pg_snapshot_xmin(pg_current_snapshot()) OR xid >= pg_snapshot_xmax(pg_current_snapshot()))
        AND (kind <> 'floor' OR xid <> (
            SELECT xid FROM record_changes
            WHERE kind = 'floor' AND xid < pg_snapshot_xmin(pg_current_snapshot())
            ORDER BY xid DESC LIMIT 1
        ))
    ORDER BY xid LIMIT %s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM record_changes AS change USING chosen
    WHERE change.xid = chosen.xid AND change.kind = chosen.kind AND change.record_id = chosen.record_id
    RETURNING 1
)
SELECT count(*) FROM removed

-- name: faulty_triggers
-- None before the migration that creates them.
SELECT expected.on_table, expected.name, actual.tgenabled IS NOT NULL
FROM unnest(%(tables)s::text[], %(names)s::text[]) AS expected (on_table, name)
LEFT JOIN pg_trigger AS actual ON actual.tgrelid = to_regclass(expected.on_table) AND actual.tgname = expected.name
WHERE to_regclass('record_changes') IS NOT NULL AND actual.tgenabled IS DISTINCT FROM 'A'
ORDER BY expected.on_table, expected.name
