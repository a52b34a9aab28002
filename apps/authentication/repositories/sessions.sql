-- name: note_use
-- Returns nothing. Of requests at once, and of all within a minute, the first alone writes.
UPDATE sessions
SET last_used_at = now(), updated_at = now(),
    expires_at = least(now() + %(idle)s::interval, created_at + %(absolute)s::interval)
WHERE id = %(session_id)s AND last_used_at < now() - interval '1 minute' AND revoked_at IS NULL AND expires_at > now()
