-- name: kinds
SELECT
    EXISTS (SELECT FROM totp_devices WHERE user_id = %(user)s AND confirmed_at IS NOT NULL),
    EXISTS (SELECT FROM passkeys WHERE user_id = %(user)s),
    (SELECT count(*) FROM recovery_codes WHERE user_id = %(user)s AND used_at IS NULL)

-- name: confirmed_secret
-- The clock is the database's, now instead of at the transaction's start: it may have waited for the account.
SELECT id, secret_encrypted, extract(epoch FROM clock_timestamp())::bigint FROM totp_devices
WHERE user_id = %(user)s AND confirmed_at IS NOT NULL

-- name: unconfirmed_secret
SELECT id, secret_encrypted, extract(epoch FROM clock_timestamp())::bigint FROM totp_devices
WHERE user_id = %(user)s AND confirmed_at IS NULL AND created_at > clock_timestamp() - %(lifetime)s::interval

-- name: accept_step
-- RFC 6238, 5.2: a code is accepted once. Of many attempts at once, one finds a step later than the last.
UPDATE totp_devices SET last_step = %(step)s, last_used_at = now() WHERE id = %(id)s AND last_step < %(step)s

-- name: spend_recovery_code
UPDATE recovery_codes SET used_at = now() WHERE user_id = %(user)s AND digest = %(digest)s AND used_at IS NULL
RETURNING id

-- name: use_passkey
-- WebAuthn, 7.2 step 22: the counter grows, unless the authenticator does not count and sends 0 each time. It is
-- compared and stored in one statement, so of two uses with the same count one is refused.
UPDATE passkeys SET sign_count = %(count)s, is_backed_up = %(backed_up)s, last_used_at = now()
WHERE id = %(id)s AND (sign_count < %(count)s OR (sign_count = 0 AND %(count)s = 0))

-- name: delete_recovery_codes_without_factor
DELETE FROM recovery_codes WHERE user_id = %(user)s
    AND NOT EXISTS (SELECT FROM totp_devices WHERE user_id = %(user)s AND confirmed_at IS NOT NULL)
    AND NOT EXISTS (SELECT FROM passkeys WHERE user_id = %(user)s)

-- name: overview
-- One read: a page that shows much else asks for it.
SELECT jsonb_build_object(
    'totp', (
        SELECT jsonb_build_object('confirmed_at', confirmed_at, 'last_used_at', last_used_at) FROM totp_devices
        WHERE user_id = %(user)s AND confirmed_at IS NOT NULL
    ),
    'passkeys', (
        SELECT coalesce(jsonb_agg(
            jsonb_build_object('id', id, 'name', name, 'created_at', created_at, 'last_used_at', last_used_at) ORDER BY id
        ), '[]') FROM passkeys WHERE user_id = %(user)s
    ),
    'recovery_codes_left', (SELECT count(*) FROM recovery_codes WHERE user_id = %(user)s AND used_at IS NULL)
)::text
