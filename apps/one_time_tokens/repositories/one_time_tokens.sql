-- name: void
DELETE FROM one_time_tokens WHERE purpose = %s AND user_id = %s AND used_at IS NULL

-- name: void_all
DELETE FROM one_time_tokens WHERE user_id = %s AND used_at IS NULL

-- name: remove_all
DELETE FROM one_time_tokens WHERE user_id = %s

-- name: issue
INSERT INTO one_time_tokens (purpose, digest, user_id, data, expires_at)
VALUES (%s, %s, %s, %s::jsonb, now() + make_interval(secs => %s))

-- name: was_issued_within
SELECT EXISTS (
    SELECT FROM one_time_tokens
    WHERE purpose = %s AND user_id = %s AND created_at > now() - make_interval(secs => %s)
)

-- name: find
SELECT user_id, data::text FROM one_time_tokens
WHERE digest = %s AND used_at IS NULL AND expires_at > now()

-- name: spend
-- Of several at the same time one finds the token unused. The others wait for its row, and then find it used.
UPDATE one_time_tokens SET used_at = now()
WHERE digest = %s AND used_at IS NULL AND expires_at > now()
RETURNING user_id, data::text

-- name: attempt
UPDATE one_time_tokens SET attempts = attempts + 1
WHERE digest = %s AND used_at IS NULL AND expires_at > now() AND attempts < %s
RETURNING user_id, data::text

-- name: clean_up
WITH chosen AS MATERIALIZED (
    SELECT id FROM one_time_tokens WHERE expires_at < now() - interval '1 day'
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM one_time_tokens USING chosen WHERE one_time_tokens.id = chosen.id RETURNING 1
)
SELECT count(*) FROM removed
