-- The account is the digest of its address in the canonical form, in lower case by the same LOWER() that finds the
-- account: every spelling that reaches an account counts in the same row.
--
-- Two counts protect an account. The count of the pair of account and client locks the pair from the fifth wrong
-- password on. The count of the account, whose client is '*', counts the wrong passwords of all clients that have not
-- signed in to it for 90 days, and from the hundredth on locks out these clients alone (NIST SP 800-63B-4, 3.2.2):
-- guesses from many addresses are stopped, and the owner's own clients are not. Each further wrong password locks for
-- longer, 30 seconds doubling to 15 minutes. A day without wrong passwords resets a count.

-- name: locked
SELECT extract(epoch FROM max(locked_until) - now())::float FROM login_attempts
WHERE account_digest = sha256(convert_to(lower(%(account)s::text COLLATE "C"), 'UTF8'))
    AND locked_until > now()
    AND (
        client_address = %(client)s::text
        OR client_address = '*' AND NOT EXISTS (
            SELECT FROM login_attempts AS pair
            WHERE pair.account_digest = login_attempts.account_digest
                AND pair.client_address = %(client)s::text
                AND pair.signed_in_at > now() - interval '90 days'
        )
    )
HAVING count(*) > 0

-- name: count_wrong
-- Returns no row for a client that either count locks out; else which clients this attempt locks out: 'client', or
-- 'strangers' (all clients that are not known), or NULL.
WITH pair AS (
    INSERT INTO login_attempts AS attempt (account_digest, client_address, failures, last_failed_at)
    VALUES (sha256(convert_to(lower(%(account)s::text COLLATE "C"), 'UTF8')), %(client)s::text, 1, now())
    ON CONFLICT (account_digest, client_address) DO UPDATE SET
        failures = CASE WHEN attempt.last_failed_at < now() - interval '1 day' THEN 1 ELSE attempt.failures + 1 END,
        last_failed_at = now(),
        locked_until = CASE
            WHEN attempt.last_failed_at >= now() - interval '1 day' AND attempt.failures + 1 >= 5
            THEN now() + least(interval '15 minutes', interval '30 seconds' * power(2, least(attempt.failures - 4, 10)))
        END
    WHERE attempt.locked_until IS NULL OR attempt.locked_until <= now()
    RETURNING attempt.account_digest, attempt.signed_in_at > now() - interval '90 days' AS is_known, attempt.locked_until
), account AS (
    INSERT INTO login_attempts AS attempt (account_digest, client_address, failures, last_failed_at)
    SELECT account_digest, '*', 1, now() FROM pair WHERE is_known IS NOT TRUE
    ON CONFLICT (account_digest, client_address) DO UPDATE SET
        failures = CASE WHEN attempt.last_failed_at < now() - interval '1 day' THEN 1 ELSE attempt.failures + 1 END,
        last_failed_at = now(),
        locked_until = CASE
            WHEN attempt.last_failed_at >= now() - interval '1 day' AND attempt.failures + 1 >= 100
            THEN now() + least(interval '15 minutes', interval '30 seconds' * power(2, least(attempt.failures - 99, 10)))
        END
    WHERE attempt.locked_until IS NULL OR attempt.locked_until <= now()
    RETURNING attempt.locked_until
)
SELECT CASE WHEN account.locked_until IS NOT NULL THEN 'strangers' WHEN pair.locked_until IS NOT NULL THEN 'client' END
FROM pair LEFT JOIN account ON true
WHERE pair.is_known OR EXISTS (SELECT FROM account)

-- name: count_right
-- Resets the pair's count and remembers the client. Returns no row for a client that either count locks out.
INSERT INTO login_attempts AS attempt (account_digest, client_address, failures, signed_in_at)
SELECT given.digest, %(client)s::text, 0, now()
FROM (SELECT sha256(convert_to(lower(%(account)s::text COLLATE "C"), 'UTF8'))) AS given (digest)
WHERE NOT EXISTS (
    SELECT FROM login_attempts AS account
    LEFT JOIN login_attempts AS pair
        ON pair.account_digest = given.digest AND pair.client_address = %(client)s::text
        AND pair.signed_in_at > now() - interval '90 days'
    WHERE account.account_digest = given.digest AND account.client_address = '*'
        AND account.locked_until > now() AND pair.id IS NULL
)
ON CONFLICT (account_digest, client_address) DO UPDATE SET failures = 0, locked_until = NULL, signed_in_at = now()
WHERE attempt.locked_until IS NULL OR attempt.locked_until <= now()
RETURNING 1

-- name: delete_until
-- The address may have another account since: clients that have signed in since, and later guesses, belong to that one.
DELETE FROM login_attempts
WHERE account_digest = sha256(convert_to(lower(%(account)s::text COLLATE "C"), 'UTF8'))
    AND coalesce(signed_in_at, '-infinity') <= %(until)s::timestamptz
    AND (client_address <> '*' OR coalesce(last_failed_at, '-infinity') <= %(until)s::timestamptz)

-- name: unlock
-- For an owner who has authenticated in another way: the client is remembered and unlocked.
INSERT INTO login_attempts AS attempt (account_digest, client_address, failures, signed_in_at)
VALUES (sha256(convert_to(lower(%(account)s::text COLLATE "C"), 'UTF8')), %(client)s::text, 0, now())
ON CONFLICT (account_digest, client_address) DO UPDATE SET failures = 0, locked_until = NULL, signed_in_at = now()

-- name: locks
-- That of all unknown clients first.
SELECT client_address, failures, locked_until FROM login_attempts
WHERE account_digest = sha256(convert_to(lower(%(account)s::text COLLATE "C"), 'UTF8')) AND locked_until > now()
ORDER BY client_address LIMIT %(maximum)s

-- name: locked_accounts
SELECT account.id, max(attempt.locked_until)
FROM unnest(%(ids)s::bigint[], %(emails)s::text[]) AS account (id, email)
JOIN login_attempts AS attempt
    ON attempt.account_digest = sha256(convert_to(lower(account.email COLLATE "C"), 'UTF8'))
WHERE attempt.locked_until > now()
GROUP BY account.id

-- name: lift_locks
-- Counting starts again: a count that is kept would lock again at the next wrong password. A wrong password that waits
-- for a locked row writes no other one, so this needs no order.
UPDATE login_attempts SET failures = 0, locked_until = NULL
WHERE account_digest = sha256(convert_to(lower(%s::text COLLATE "C"), 'UTF8')) AND locked_until > now()
