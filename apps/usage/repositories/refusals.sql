-- name: write
-- Adds samples, and removes as many as they replace: the oldest of each key beyond %(per_key)s, and the oldest of all
-- beyond %(in_all)s, by their ids, which grow. So a flood of refusals takes no more space, and no statement removes many
-- more rows than it adds. Two writers may leave a few more of a key, until its next refusal. The commit does not wait
-- for the disk: a crash may lose samples.
WITH settings AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
), call AS MATERIALIZED (
    SELECT recorded.* FROM settings, jsonb_to_recordset(%(calls)s::jsonb) AS recorded (
        occurred_at timestamptz, user_id bigint, api_key_id bigint, code text, detail text, scopes text[],
        address inet, cost numeric, weight int, tag text, request_id text, rate_limits jsonb, balance numeric
    )
), added AS (
    INSERT INTO refusals (occurred_at, user_id, api_key_id, code, detail, scopes, address, cost, weight, tag,
        request_id, rate_limits, balance)
    SELECT occurred_at, user_id, api_key_id, code, detail, scopes, address, cost, weight, tag,
        request_id, rate_limits, balance
    FROM call
    ORDER BY occurred_at
), replaced AS (
    SELECT older.id
    FROM (SELECT api_key_id, count(*) AS added FROM call GROUP BY api_key_id) AS key
    CROSS JOIN LATERAL (
        SELECT id FROM refusals
        WHERE api_key_id = key.api_key_id
        ORDER BY id DESC
        OFFSET greatest(%(per_key)s - key.added, 0)
    ) AS older
    UNION
    (SELECT id FROM refusals
    WHERE id <= (SELECT max(id) FROM refusals) + (SELECT count(*) FROM call) - %(in_all)s
    ORDER BY id
    LIMIT (SELECT 2 * count(*) FROM call))
), removed AS (
    DELETE FROM refusals WHERE id IN (
        SELECT id FROM refusals WHERE id IN (SELECT id FROM replaced) FOR UPDATE SKIP LOCKED
    )
)
SELECT count(*) FROM call

-- name: remove_old
-- The ids are nearly in order of time, so that the oldest are found without an index of times.
WITH oldest AS MATERIALIZED (
    SELECT id, occurred_at FROM refusals ORDER BY id LIMIT %(maximum)s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM refusals AS refusal USING oldest
    WHERE refusal.id = oldest.id AND oldest.occurred_at < now() - make_interval(hours => %(hours)s)
    RETURNING 1
)
SELECT count(*) FROM removed
