-- name: try_lock
-- Without waiting, so that it can be taken before any other lock. It ends with the transaction.
SELECT pg_try_advisory_xact_lock(hashtextextended('idempotent_responses ' || encode(%s::bytea, 'hex'), 0))

-- name: find
SELECT fingerprint, response_encrypted FROM idempotent_responses WHERE digest = %s

-- name: insert
INSERT INTO idempotent_responses (digest, fingerprint, response_encrypted) VALUES (%s, %s, %s)

-- name: replace
INSERT INTO idempotent_responses (digest, fingerprint, response_encrypted) VALUES (%s, %s, %s)
ON CONFLICT (digest) DO UPDATE SET response_encrypted = EXCLUDED.response_encrypted, created_at = now()

-- name: blank
UPDATE idempotent_responses SET response_encrypted = '' WHERE digest = %s

-- name: remove_old
WITH old AS (
    SELECT id FROM idempotent_responses WHERE created_at < now() - interval '1 day' LIMIT %s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM idempotent_responses WHERE id IN (SELECT id FROM old) RETURNING id
)
SELECT count(*) FROM removed
