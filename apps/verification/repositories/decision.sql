-- name: records
-- The keys of a batch by the digests of their secrets; the columns are the fields of KeyRow. The scopes of an owner's
-- roles are looked up only for keys with a scope that depends on them. Each LATERAL finds one row by a unique index,
-- and OFFSET 0 keeps it apart: the plan does not depend on what the planner believes about the sizes of the tables.
SELECT
    secret.digest,
    secret.expires_at,
    key.id,
    key.name,
    key.environment,
    key.scopes,
    key.ip_allowlist,
    key.metadata::text,
    key.rate_limits::text,
    key.is_active,
    key.revoked_at,
    key.expires_at,
    owner.id,
    owner.is_active AND owner.deleted_at IS NULL,
    owner.locked_until,
    owner.is_staff,
    owner.is_superuser,
    plan.name,
    coalesce((
        SELECT json_agg(json_build_array(rate_limit.name, rate_limit."limit", rate_limit.period_seconds))::text
        FROM plan_limits AS rate_limit
        WHERE rate_limit.plan_id = owner.plan_id
    ), '[]'),
    plan.features::text,
    plan.prices::text,
    CASE WHEN key.scopes && %(reserved)s THEN ARRAY(
        SELECT given.scope
        FROM users_groups AS membership
        JOIN role_scopes AS given ON given.role_id = membership.group_id
        WHERE membership.user_id = owner.id
    ) END
FROM unnest(%(digests)s::bytea[]) AS queried (digest)
CROSS JOIN LATERAL (
    SELECT digest, api_key_id, expires_at FROM api_key_secrets WHERE digest = queried.digest OFFSET 0
) AS secret
CROSS JOIN LATERAL (
    SELECT
        id, user_id, name, environment, scopes, ip_allowlist, metadata, rate_limits, is_active, revoked_at, expires_at
    FROM api_keys
    WHERE id = secret.api_key_id AND deleted_at IS NULL
    OFFSET 0
) AS key
CROSS JOIN LATERAL (
    SELECT id, plan_id, is_active, deleted_at, locked_until, is_staff, is_superuser
    FROM users
    WHERE id = key.user_id
    OFFSET 0
) AS owner
CROSS JOIN LATERAL (SELECT name, features, prices FROM plans WHERE id = owner.plan_id OFFSET 0) AS plan

-- name: balances
-- If locked, the row of a customer covers the counters of all their keys: every writer of counters locks it first.
SELECT user_id, balance FROM credit_balances WHERE user_id = ANY(%(user_ids)s::bigint[])

-- name: counters
SELECT api_key_id, entries, windows, budget, budget_spent
FROM api_key_counters
WHERE api_key_id = ANY(%(key_ids)s::bigint[])

-- name: lock_balances
-- In the same order for all batches, so that two never deadlock.
ORDER BY user_id
FOR NO KEY UPDATE

-- name: lock_counters
ORDER BY api_key_id
FOR NO KEY UPDATE

-- name: skip_locked
-- After a lock timeout: rows that are still locked are left out.
SKIP LOCKED

-- name: load_idempotency_records
-- Runs after the lock, so it sees the records of the previous batch. Those without a caller are of an earlier version of
-- Keyhouse, and have no fingerprint: their ids are refused.
SELECT query.caller, answer.api_key_id, answer.request_id, answer.fingerprint, answer.answered_at, answer.answer
FROM unnest(%(callers)s::text[], %(key_ids)s::bigint[], %(request_ids)s::text[])
    AS query (caller, api_key_id, request_id)
CROSS JOIN LATERAL (
    SELECT * FROM verification_answers
    WHERE caller IN (query.caller, '') AND api_key_id = query.api_key_id AND request_id = query.request_id
    ORDER BY caller
    OFFSET 0
) AS answer

-- name: write_usage
-- Writes the counters of the keys, the balances of their owners, and one row of all calls and charges of the batch. It
-- draws the ids of ledger entries while it holds the balances; see UsageBatch.
WITH counted AS (
    UPDATE api_key_counters AS counter
    SET entries = used.entries, windows = '[]', budget_spent = used.budget_spent, last_used_at = %(now)s
    FROM unnest(%(key_ids)s::bigint[], %(counters)s::bytea[], %(budgets_spent)s::numeric[])
        AS used (api_key_id, entries, budget_spent)
    WHERE counter.api_key_id = used.api_key_id
), debited AS (
    UPDATE credit_balances AS balance
    SET balance = balance.balance - debit.amount, updated_at = %(now)s
    FROM unnest(%(debited_ids)s::bigint[], %(debits)s::numeric[]) AS debit (user_id, amount)
    WHERE balance.user_id = debit.user_id
    RETURNING balance.user_id, debit.amount, balance.balance
)
INSERT INTO usage_batches
    (id, occurred_at, user_ids, api_key_ids, costs, weights, tags, request_ids,
    debited_ids, amounts, balances_after, entry_ids)
SELECT
    nextval('usage_events_id_seq'), %(now)s::timestamptz, %(user_ids)s::bigint[], %(api_key_ids)s::bigint[], %(costs)s::numeric[],
    %(weights)s::int[], %(tags)s::text[], %(request_ids)s::text[],
    coalesce(array_agg(user_id), '{}'), coalesce(array_agg(amount), '{}'), coalesce(array_agg(balance), '{}'),
    coalesce(array_agg(nextval('credit_transactions_id_seq')), '{}')
FROM debited
HAVING %(user_ids)s::bigint[] <> '{}' OR count(*) > 0

-- name: count_denials
INSERT INTO denials AS denial (api_key_id, minute_at, code, detail, count)
SELECT refused.api_key_id, date_trunc('minute', %(now)s::timestamptz), refused.code, refused.detail, refused.count
FROM unnest(%(key_ids)s::bigint[], %(codes)s::text[], %(details)s::text[], %(counts)s::bigint[])
    AS refused (api_key_id, code, detail, count)
ON CONFLICT (api_key_id, minute_at, code, detail) DO UPDATE SET count = denial.count + EXCLUDED.count

-- name: insert_idempotency_records
INSERT INTO verification_answers (caller, api_key_id, request_id, fingerprint, answered_at, answer)
SELECT answer.caller, answer.api_key_id, answer.request_id, answer.fingerprint, %(now)s::timestamptz, answer.answer
FROM unnest(
    %(callers)s::text[], %(key_ids)s::bigint[], %(request_ids)s::text[], %(fingerprints)s::bytea[], %(answers)s::text[]
) AS answer (caller, api_key_id, request_id, fingerprint, answer)

-- name: touch
-- To five seconds. The one writer of counters without the customer's lock: it changes nothing that is decided on. A
-- transaction that writes a key's counters sets the time too, so locked rows are skipped.
UPDATE api_key_counters SET last_used_at = %(now)s
WHERE api_key_id IN (
    SELECT api_key_id FROM api_key_counters
    WHERE api_key_id = ANY(%(key_ids)s::bigint[])
        AND (last_used_at IS NULL OR last_used_at < date_bin('5 seconds', %(now)s::timestamptz, '2000-01-01 00:00+00'))
    FOR NO KEY UPDATE SKIP LOCKED
)
