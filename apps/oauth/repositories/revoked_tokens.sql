-- name: delete_expired
-- An hour after they expired, so that no slow clock accepts the token again.
WITH chosen AS MATERIALIZED (
    SELECT token_id FROM revoked_tokens WHERE expires_at < now() - interval '1 hour'
    ORDER BY token_id LIMIT %s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM revoked_tokens USING chosen WHERE revoked_tokens.token_id = chosen.token_id RETURNING 1
)
SELECT count(*) FROM removed
