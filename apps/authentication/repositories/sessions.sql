-- name: note_use
-- Returns nothing. Of requests at once, and of all within a minute, the first alone writes.
UPDATE sessions
SET last_used_at = now(), updated_at = now(),
    expires_at = least(now() + %(idle)s::interval, created_at + %(absolute)s::interval)
WHERE id = %(session_id)s AND last_used_at < now() - interval '1 minute' AND revoked_at IS NULL AND expires_at > now()

-- name: live_ids
-- Returns the least and the greatest id of a live session; none lies between 1 and 0.
SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM sessions WHERE revoked_at IS NULL AND expires_at > now()
