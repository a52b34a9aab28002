-- name: enqueue
-- Of several transactions that enqueue the same key, the first to commit wins; the others wait for it and insert nothing.
INSERT INTO outgoing_mails (kind, recipient, user_id, key, context_encrypted, expires_at)
VALUES (%(kind)s, %(recipient)s, %(user_id)s, %(key)s, %(context_encrypted)s,
    statement_timestamp() + make_interval(secs => %(lifetime_seconds)s))
ON CONFLICT (key) DO NOTHING

-- name: claim
-- Who claims a letter moves its due_at beyond the time that sending may take. One whose link is dead is given up.
WITH due AS MATERIALIZED (
    SELECT id, expires_at <= now() AS is_over FROM outgoing_mails
    WHERE sent_at IS NULL AND failed_at IS NULL AND due_at <= now() AND (%(key)s::text IS NULL OR key = %(key)s)
    ORDER BY due_at LIMIT %(maximum)s FOR UPDATE SKIP LOCKED
), given_up AS (
    UPDATE outgoing_mails AS mail
    SET failed_at = now(), error = coalesce(nullif(mail.error, ''), 'Expired'), context_encrypted = NULL
    FROM due WHERE mail.id = due.id AND due.is_over
)
UPDATE outgoing_mails AS mail
SET attempts = mail.attempts + 1, due_at = now() + make_interval(secs => %(lease_seconds)s)
FROM due WHERE mail.id = due.id AND NOT due.is_over
RETURNING mail.id, mail.kind, mail.recipient, mail.context_encrypted, mail.created_at, mail.attempts

-- name: lock_recipient
-- There may be no letter to the address yet, so the lock is on its digest.
SELECT pg_advisory_xact_lock(hashtextextended('outgoing_mails ' || lower(%(recipient)s), 0))

-- name: wait_to_address
SELECT extract(epoch FROM created_at + make_interval(secs => %(seconds)s) - now())::float FROM outgoing_mails
WHERE lower(recipient) = lower(%(recipient)s) AND kind = ANY (%(kinds)s)
    AND created_at > now() - make_interval(secs => %(seconds)s)
ORDER BY created_at DESC OFFSET %(maximum)s - 1 LIMIT 1

-- name: wait_of_account
SELECT extract(epoch FROM created_at + make_interval(secs => %(seconds)s) - now())::float FROM outgoing_mails
WHERE user_id = %(user_id)s AND kind = ANY (%(kinds)s)
    AND created_at > now() - make_interval(secs => %(seconds)s)
ORDER BY created_at DESC OFFSET %(maximum)s - 1 LIMIT 1

-- name: note_sent
-- Whoever has sent it says so, even when the claim has lapsed meanwhile.
UPDATE outgoing_mails SET sent_at = now(), failed_at = NULL, error = '', context_encrypted = NULL
WHERE id = %(id)s AND sent_at IS NULL

-- name: note_failure
-- Nothing, when the claim has lapsed and somebody else sends it, or when the account is forgotten meanwhile.
UPDATE outgoing_mails
SET error = %(error)s,
    due_at = now() + make_interval(secs => %(wait_seconds)s),
    failed_at = CASE WHEN %(is_final)s THEN now() END
WHERE id = %(id)s AND attempts = %(attempts)s AND sent_at IS NULL AND failed_at IS NULL

-- name: remove_old
-- Where no mail server is named, letters expire without anybody giving them up.
WITH chosen AS MATERIALIZED (
    SELECT id FROM outgoing_mails WHERE coalesce(sent_at, failed_at, expires_at) < now() - interval '30 days'
    ORDER BY id LIMIT %(maximum)s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM outgoing_mails AS mail USING chosen WHERE mail.id = chosen.id RETURNING 1
)
SELECT count(*) FROM removed

-- name: forget_user
-- What has not been sent will not be. The keys stay, so that nothing is posted twice.
UPDATE outgoing_mails
SET recipient = '', user_id = NULL, context_encrypted = NULL,
    failed_at = CASE WHEN sent_at IS NULL THEN coalesce(failed_at, now()) END
WHERE user_id = %(user_id)s

-- name: forget_address
-- Letters of later are to somebody else, who has the address now.
UPDATE outgoing_mails
SET recipient = '', context_encrypted = NULL,
    failed_at = CASE WHEN sent_at IS NULL THEN coalesce(failed_at, now()) END
WHERE user_id IS NULL AND lower(recipient) = lower(%(recipient)s) AND created_at <= %(until)s
