-- name: record_use
-- Returns nothing. Of concurrent requests, and of all within a minute, only the first writes.
UPDATE sessions
SET last_used_at = now(), updated_at = now(),
    expires_at = least(now() + %(idle)s::interval, created_at + %(absolute)s::interval)
WHERE id = %(session_id)s AND last_used_at < now() - interval '1 minute' AND revoked_at IS NULL AND expires_at > now()

-- name: addresses
-- Returns the addresses from which a user agent has used the account's sessions in an interval, NULL for an unknown one.
SELECT DISTINCT host(ip_address) FROM sessions
WHERE user_id = %(user_id)s AND user_agent = %(user_agent)s AND last_used_at > now() - %(within)s::interval

-- name: live_ids
-- Returns the least and the greatest id of a live session; no id lies between 1 and 0.
SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM sessions WHERE revoked_at IS NULL AND expires_at > now()
