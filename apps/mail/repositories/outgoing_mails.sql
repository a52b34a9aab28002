-- name: post
-- Of several transactions that post the same key, the first to commit wins; the others wait for it and post nothing.
INSERT INTO outgoing_mails (kind, recipient, user_id, key, context_encrypted, expires_at)
VALUES (%(kind)s, %(recipient)s, %(user_id)s, %(key)s, %(context_encrypted)s,
    statement_timestamp() + make_interval(secs => %(lifetime_seconds)s))
ON CONFLICT (key) DO NOTHING
RETURNING id
