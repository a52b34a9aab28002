-- name: claim
INSERT INTO secret_key_fingerprints AS stored (id, fingerprint, set_at)
VALUES (1, %(own)s, now())
ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, set_at = excluded.set_at
WHERE stored.fingerprint = ANY(%(accepted)s)
RETURNING id

-- name: accept
INSERT INTO secret_key_fingerprints (id, fingerprint, set_at)
VALUES (1, %(own)s, now())
ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, set_at = excluded.set_at
RETURNING id
