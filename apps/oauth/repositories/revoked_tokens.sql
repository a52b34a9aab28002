-- name: add
-- Of many at once one finds it new.
INSERT INTO revoked_tokens (token_id, expires_at) VALUES (%s, %s) ON CONFLICT (token_id) DO NOTHING RETURNING 1

-- name: clean_up
-- An hour later, so that no clock that is slow believes the token still.
WITH chosen AS MATERIALIZED (
    SELECT token_id FROM revoked_tokens WHERE expires_at < now() - interval '1 hour'
    ORDER BY token_id LIMIT %s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM revoked_tokens USING chosen WHERE revoked_tokens.token_id = chosen.token_id RETURNING 1
)
SELECT count(*) FROM removed
