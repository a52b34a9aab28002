-- Each code is counted before it is verified, while its account is locked: of many guesses at once, on whatever workers,
-- no more are verified than the limits allow. A right one takes its count back.

-- name: locked_seconds
-- For how long the pair of account and address is locked, or the account's codes from all addresses (an empty address).
SELECT ceil(extract(epoch FROM max(locked_until) - now()))::int FROM second_factor_attempts
WHERE user_id = %(user)s AND client_address = %(address)s AND locked_until > now()

-- name: count_for_address
-- Returns no row while the pair is locked. From the fifth in a row on, each locks the pair until a right one: 30
-- seconds, doubling to 15 minutes. After a day without any, counting starts again. Passwords are counted alike: see
-- login_attempts.sql.
INSERT INTO second_factor_attempts AS attempt (user_id, client_address, failures, first_failed_at, last_failed_at)
VALUES (%(user)s, %(address)s, 1, now(), now())
ON CONFLICT (user_id, client_address) DO UPDATE SET
    failures = CASE WHEN attempt.last_failed_at < now() - interval '1 day' THEN 1 ELSE attempt.failures + 1 END,
    last_failed_at = now(),
    locked_until = CASE
        WHEN attempt.last_failed_at >= now() - interval '1 day' AND attempt.failures + 1 >= 5
        THEN now() + least(interval '15 minutes', interval '30 seconds' * power(2, least(attempt.failures - 4, 10)))
    END
WHERE attempt.locked_until IS NULL OR attempt.locked_until <= now()
RETURNING attempt.failures

-- name: count_for_account
-- An attacker with the password can guess six digits from many addresses at once. After the maximum of wrong ones within
-- a day, from all addresses together, none is verified until that day has passed.
INSERT INTO second_factor_attempts AS attempt (user_id, client_address, failures, first_failed_at, last_failed_at)
VALUES (%(user)s, '', 1, now(), now())
ON CONFLICT (user_id, client_address) DO UPDATE SET
    failures = CASE WHEN attempt.first_failed_at < now() - interval '1 day' THEN 1 ELSE attempt.failures + 1 END,
    first_failed_at = CASE WHEN attempt.first_failed_at < now() - interval '1 day' THEN now() ELSE attempt.first_failed_at END,
    last_failed_at = now(),
    locked_until = CASE
        WHEN attempt.first_failed_at >= now() - interval '1 day' AND attempt.failures + 1 >= %(maximum)s
        THEN attempt.first_failed_at + interval '1 day'
    END
WHERE attempt.locked_until IS NULL OR attempt.locked_until <= now()
RETURNING attempt.failures

-- name: account_locked_until
SELECT extract(epoch FROM locked_until)::bigint FROM second_factor_attempts
WHERE user_id = %(user)s AND client_address = ''

-- name: delete_for_address
DELETE FROM second_factor_attempts WHERE user_id = %(user)s AND client_address = %(address)s

-- name: take_back_for_account
UPDATE second_factor_attempts SET failures = failures - 1, locked_until = NULL
WHERE user_id = %(user)s AND client_address = '' AND failures > 0

-- name: clean_up
WITH chosen AS MATERIALIZED (
    SELECT id FROM second_factor_attempts
    WHERE last_failed_at < now() - interval '1 day' AND (locked_until IS NULL OR locked_until <= now())
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM second_factor_attempts USING chosen WHERE second_factor_attempts.id = chosen.id RETURNING 1
)
SELECT count(*) FROM removed

-- name: locks
SELECT client_address, failures, locked_until FROM second_factor_attempts
WHERE user_id = %(user)s AND locked_until > now()
ORDER BY client_address LIMIT %(maximum)s

-- name: locked_accounts
SELECT user_id, max(locked_until) FROM second_factor_attempts
WHERE user_id = ANY(%s::bigint[]) AND locked_until > now() GROUP BY user_id

-- name: lift_locks
-- Counting starts again: a count that is kept would lock again at the next wrong code.
DELETE FROM second_factor_attempts WHERE user_id = %s AND locked_until > now()
