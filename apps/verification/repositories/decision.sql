-- name: plan_rate_limits
-- Each plan's rate limits, aggregated once for each batch.
SELECT plan_id, json_agg(json_build_array(name, "limit", period_seconds))::text AS windows
FROM plan_limits
GROUP BY plan_id

-- name: records
-- The keys of a batch by the digests of their secrets; the columns are the fields of KeyRecord. The scopes of an owner's
-- roles are looked up only for keys with a scope that depends on them.
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
    counter.budget,
    key.is_active,
    key.revoked_at,
    key.expires_at,
    counter.windows,
    counter.budget_spent,
    counter.last_used_at,
    owner.id,
    owner.is_active AND owner.deleted_at IS NULL,
    owner.locked_until,
    owner.is_staff,
    owner.is_superuser,
    plan.name,
    coalesce(plan_rate_limits.windows, '[]'),
    balance.balance,
    CASE WHEN key.scopes && %(reserved)s THEN ARRAY(
        SELECT given.scope
        FROM users_groups AS membership
        JOIN role_scopes AS given ON given.role_id = membership.group_id
        WHERE membership.user_id = owner.id
    ) END
FROM api_key_secrets AS secret
JOIN api_keys AS key ON key.id = secret.api_key_id AND key.deleted_at IS NULL
JOIN api_key_counters AS counter ON counter.api_key_id = key.id
JOIN users AS owner ON owner.id = key.user_id
JOIN credit_balances AS balance ON balance.user_id = owner.id
JOIN plans AS plan ON plan.id = owner.plan_id
LEFT JOIN plan_rate_limits ON plan_rate_limits.plan_id = plan.id
WHERE secret.digest = ANY(%(digests)s::bytea[])

-- name: lock
-- Appended to `records` where the batch writes: locks the rows it writes to, in the same order for all batches, so that
-- two never deadlock, and each reads what the other has written.
ORDER BY owner.id, key.id
FOR NO KEY UPDATE OF balance, counter

-- name: skip_locked
-- Appended to `lock` after a lock timeout: rows that are still locked are left out.
SKIP LOCKED

-- name: load_idempotency_records
-- Runs after the lock, so it sees the records of the previous batch.
SELECT answer.api_key_id, answer.request_id, answer.answer
FROM unnest(%(digests)s::bytea[], %(request_ids)s::text[]) AS query (digest, request_id)
JOIN api_key_secrets AS secret ON secret.digest = query.digest
JOIN verification_answers AS answer
    ON answer.api_key_id = secret.api_key_id AND answer.request_id = query.request_id

-- name: write_usage
-- Writes the counters of the keys, the balances of their owners, and one row of all calls and charges of the batch. It
-- draws the ids of ledger entries while it holds the balances; see UsageBatch.
WITH counted AS (
    UPDATE api_key_counters AS counter
    SET windows = used.windows, budget_spent = used.budget_spent, last_used_at = %(now)s
    FROM unnest(%(key_ids)s::bigint[], %(counters)s::text[], %(budgets_spent)s::numeric[])
        AS used (api_key_id, windows, budget_spent)
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
    nextval('usage_events_id_seq'), %(now)s, %(user_ids)s::bigint[], %(api_key_ids)s::bigint[], %(costs)s::numeric[],
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
INSERT INTO verification_answers (api_key_id, request_id, answered_at, answer)
SELECT answer.api_key_id, answer.request_id, %(now)s, answer.answer
FROM unnest(%(key_ids)s::bigint[], %(request_ids)s::text[], %(answers)s::text[])
    AS answer (api_key_id, request_id, answer)

-- name: touch
-- To the minute. A transaction that has locked a key's counters updates them too, so locked rows are skipped.
UPDATE api_key_counters SET last_used_at = %(now)s
WHERE api_key_id IN (
    SELECT api_key_id FROM api_key_counters WHERE api_key_id = ANY(%(key_ids)s::bigint[]) FOR NO KEY UPDATE SKIP LOCKED
)
