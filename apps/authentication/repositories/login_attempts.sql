-- The account is the digest of the typed address, in lower case by the same LOWER() that finds the account: every
-- spelling that reaches an account counts against the same row.

-- name: locked
SELECT extract(epoch FROM locked_until - now())::float FROM login_attempts
WHERE account_digest = sha256(convert_to(lower(%s::text COLLATE "C"), 'UTF8')) AND client_address = %s AND locked_until > now()

-- name: count_wrong
-- Returns no row while the pair is locked. From the fifth wrong password on, each locks the pair until it is
-- forgiven: 30 seconds, doubling to 15 minutes. A day without attempts forgives.
INSERT INTO login_attempts AS attempt (account_digest, client_address, failures, last_failed_at)
VALUES (sha256(convert_to(lower(%s::text COLLATE "C"), 'UTF8')), %s, 1, now())
ON CONFLICT (account_digest, client_address) DO UPDATE SET
    failures = CASE WHEN attempt.last_failed_at < now() - interval '1 day' THEN 1 ELSE attempt.failures + 1 END,
    last_failed_at = now(),
    locked_until = CASE
        WHEN attempt.last_failed_at >= now() - interval '1 day' AND attempt.failures + 1 >= 5
        THEN now() + least(interval '15 minutes', interval '30 seconds' * power(2, least(attempt.failures - 4, 10)))
    END
WHERE attempt.locked_until IS NULL OR attempt.locked_until <= now()
RETURNING attempt.failures

-- name: forgive
-- Returns a row if the pair is locked.
WITH forgiven AS (
    DELETE FROM login_attempts
    WHERE account_digest = sha256(convert_to(lower(%s::text COLLATE "C"), 'UTF8')) AND client_address = %s
        AND (locked_until IS NULL OR locked_until <= now())
)
SELECT extract(epoch FROM locked_until - now())::float FROM login_attempts
WHERE account_digest = sha256(convert_to(lower(%s::text COLLATE "C"), 'UTF8')) AND client_address = %s AND locked_until > now()
