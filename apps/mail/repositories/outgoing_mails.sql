-- name: enqueue
-- Of several transactions that enqueue the same key, the first to commit wins; the others wait for it and insert nothing.
INSERT INTO outgoing_mails (kind, recipient, user_id, key, context_encrypted, due_at, expires_at)
VALUES (%(kind)s, %(recipient)s, %(user_id)s, %(key)s, %(context_encrypted)s,
    statement_timestamp() + make_interval(secs => %(delay_seconds)s),
    statement_timestamp() + make_interval(secs => %(delay_seconds)s + %(lifetime_seconds)s))
ON CONFLICT (key) DO NOTHING

-- name: claim
-- A claim moves due_at beyond the time that sending may take. An expired message fails instead.
WITH due AS MATERIALIZED (
    SELECT id, expires_at <= now() AS has_expired FROM outgoing_mails
    WHERE sent_at IS NULL AND failed_at IS NULL AND due_at <= now() AND (%(key)s::text IS NULL OR key = %(key)s)
    ORDER BY due_at LIMIT %(maximum)s FOR UPDATE SKIP LOCKED
), expired AS (
    UPDATE outgoing_mails AS mail
    SET failed_at = now(), error = coalesce(nullif(mail.error, ''), 'Expired'), context_encrypted = NULL
    FROM due WHERE mail.id = due.id AND due.has_expired
)
UPDATE outgoing_mails AS mail
SET attempts = mail.attempts + 1, due_at = now() + make_interval(secs => %(lease_seconds)s)
FROM due WHERE mail.id = due.id AND NOT due.has_expired
RETURNING mail.id, mail.kind, mail.recipient, mail.context_encrypted, mail.created_at, mail.attempts

-- name: lock_recipient
-- There may be no message to the mailbox yet, so the lock is on its digest.
SELECT pg_advisory_xact_lock(
    hashtextextended('outgoing_mails ' || regexp_replace(lower(%(recipient)s::text), '\+[^@]*(?=@)|\.(?=[^@]*@)', '', 'g'), 0)
)

-- name: wait_seconds_for_address
-- Messages to every address of the same mailbox count: providers deliver ann+1@example.com (RFC 5233), and some also
-- a.nn@example.com, to ann@example.com. Where they are two mailboxes, they share the count.
SELECT extract(epoch FROM created_at + make_interval(secs => %(seconds)s) - now())::float FROM outgoing_mails
WHERE regexp_replace(lower(recipient), '\+[^@]*(?=@)|\.(?=[^@]*@)', '', 'g')
        = regexp_replace(lower(%(recipient)s::text), '\+[^@]*(?=@)|\.(?=[^@]*@)', '', 'g')
    AND kind = ANY (%(kinds)s)
    AND created_at > now() - make_interval(secs => %(seconds)s)
ORDER BY created_at DESC OFFSET %(maximum)s - 1 LIMIT 1

-- name: wait_seconds_for_account
SELECT extract(epoch FROM created_at + make_interval(secs => %(seconds)s) - now())::float FROM outgoing_mails
WHERE user_id = %(user_id)s AND kind = ANY (%(kinds)s)
    AND created_at > now() - make_interval(secs => %(seconds)s)
ORDER BY created_at DESC OFFSET %(maximum)s - 1 LIMIT 1

-- name: mark_sent
-- A worker that has sent the message marks it, even when its claim has expired meanwhile.
UPDATE outgoing_mails SET sent_at = now(), failed_at = NULL, error = '', context_encrypted = NULL
WHERE id = %(id)s AND sent_at IS NULL

-- name: record_failure
-- Changes nothing when the claim has expired and another worker sends, or when the account was erased meanwhile.
UPDATE outgoing_mails
SET error = %(error)s,
    due_at = now() + make_interval(secs => %(wait_seconds)s),
    failed_at = CASE WHEN %(is_final)s THEN now() END
WHERE id = %(id)s AND attempts = %(attempts)s AND sent_at IS NULL AND failed_at IS NULL

-- name: remove_old
-- Without a mail server, messages expire without being claimed.
WITH chosen AS MATERIALIZED (
    SELECT id FROM outgoing_mails WHERE coalesce(sent_at, failed_at, expires_at) < now() - interval '30 days'
    ORDER BY id LIMIT %(maximum)s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM outgoing_mails AS mail USING chosen WHERE mail.id = chosen.id RETURNING 1
)
SELECT count(*) FROM removed

-- name: erase_account
-- Messages that were not sent fail. Their keys stay, so that they are not enqueued again.
UPDATE outgoing_mails
SET recipient = '', user_id = NULL, context_encrypted = NULL,
    failed_at = CASE WHEN sent_at IS NULL THEN coalesce(failed_at, now()) END
WHERE user_id = %(user_id)s

-- name: erase_address
-- Later messages belong to another account, which has the address now.
UPDATE outgoing_mails
SET recipient = '', context_encrypted = NULL,
    failed_at = CASE WHEN sent_at IS NULL THEN coalesce(failed_at, now()) END
WHERE user_id IS NULL AND lower(recipient) = lower(%(recipient)s) AND created_at <= %(until)s::timestamptz
