-- Each check returns the rows that violate it: (user, ledger entry, usage event, key, expected, found, total number).
-- One scan of each table and a hash join: minutes on a history of any size. Of usage events that were dropped, the
-- rollups take the place.

-- name: sizes
SELECT
    (SELECT count(*) FROM credit_balances),
    (SELECT count(*) FROM ledger_entries),
    (SELECT count(*) FROM usage_records),
    (SELECT count(*) FROM api_key_counters)

-- name: balance_is_sum_of_ledger
SELECT
    coalesce(balance.user_id, ledger.user_id), NULL::bigint, NULL::bigint, NULL::bigint,
    coalesce(ledger.amount, 0), balance.balance, count(*) OVER ()
FROM credit_balances AS balance
FULL JOIN (SELECT user_id, sum(amount) AS amount FROM ledger_entries GROUP BY user_id) AS ledger
    ON ledger.user_id = balance.user_id
WHERE balance.balance IS DISTINCT FROM coalesce(ledger.amount, 0)
ORDER BY 1
LIMIT %s

-- name: balance_after_is_running_sum
SELECT user_id, id, NULL::bigint, NULL::bigint, expected, balance_after, count(*) OVER ()
FROM (
    SELECT
        user_id, id, balance_after,
        sum(amount) OVER (PARTITION BY user_id ORDER BY id ROWS UNBOUNDED PRECEDING) AS expected
    FROM ledger_entries
) AS entry
WHERE balance_after <> expected
ORDER BY user_id, id
LIMIT %s

-- name: usage_entry_is_sum_of_its_calls
SELECT entry.user_id, entry.id, NULL::bigint, NULL::bigint, -coalesce(used.cost, 0), entry.amount, count(*) OVER ()
FROM ledger_entries AS entry
LEFT JOIN (
    SELECT credit_transaction_id, sum(cost) AS cost
    FROM usage_records
    WHERE credit_transaction_id IS NOT NULL
    GROUP BY credit_transaction_id
) AS used ON used.credit_transaction_id = entry.id
WHERE entry.type = 'usage' AND entry.amount <> -coalesce(used.cost, 0)
    AND entry.occurred_at >= coalesce((SELECT events_dropped_until FROM usage_rollups), '-infinity')
ORDER BY entry.id
LIMIT %s

-- name: each_call_is_charged_to_its_customer
-- The amount found is the part of the cost that the customer's own entries cover: nothing.
SELECT
    used.user_id, used.credit_transaction_id, used.id, used.api_key_id, used.cost, 0::numeric, count(*) OVER ()
FROM usage_records AS used
LEFT JOIN ledger_entries AS entry
    ON entry.id = used.credit_transaction_id AND entry.user_id = used.user_id AND entry.type = 'usage'
WHERE used.cost <> 0 AND entry.id IS NULL
ORDER BY used.id
LIMIT %s

-- name: balance_is_not_negative
SELECT user_id, NULL::bigint, NULL::bigint, NULL::bigint, 0::numeric, balance, count(*) OVER ()
FROM credit_balances
WHERE balance < 0
ORDER BY user_id
LIMIT %s

-- name: budget_spent_is_sum_of_calls
SELECT
    key.user_id, NULL::bigint, NULL::bigint, coalesce(counter.api_key_id, used.api_key_id),
    coalesce(used.cost, 0), counter.budget_spent, count(*) OVER ()
FROM api_key_counters AS counter
FULL JOIN (
    SELECT api_key_id, sum(cost) AS cost
    FROM (
        SELECT api_key_id, cost FROM usage_records
        WHERE pending_user_ids IS NOT NULL
            OR occurred_at >= coalesce((SELECT events_dropped_until FROM usage_rollups), '-infinity')
        UNION ALL
        SELECT api_key_id, cost FROM key_usage_quarters
        WHERE quarter_at < (SELECT events_dropped_until FROM usage_rollups)
    ) AS call
    GROUP BY api_key_id
) AS used
    ON used.api_key_id = counter.api_key_id
LEFT JOIN api_keys AS key ON key.id = coalesce(counter.api_key_id, used.api_key_id)
WHERE counter.budget_spent IS DISTINCT FROM coalesce(used.cost, 0)
ORDER BY 4
LIMIT %s

-- name: each_approved_request_is_posted_once
-- An entry of another customer or type is none. No entry belongs to two requests: transaction_id is unique.
SELECT
    approval.user_id, approval.transaction_id, NULL::bigint, NULL::bigint,
    CASE WHEN approval.state = 'approved' THEN approval.amount ELSE 0 END, entry.amount, count(*) OVER ()
FROM credit_approvals AS approval
LEFT JOIN ledger_entries AS entry
    ON entry.id = approval.transaction_id AND entry.user_id = approval.user_id AND entry.type = approval.type
WHERE
    CASE
        WHEN approval.state = 'approved' THEN entry.amount IS DISTINCT FROM approval.amount
        ELSE approval.transaction_id IS NOT NULL
    END
ORDER BY approval.id
LIMIT %s

-- name: rollup_is_sum_of_calls
-- Of those calls whose usage events are kept, up to the mark.
SELECT
    coalesce(rollup.user_id, used.user_id), NULL::bigint, NULL::bigint, coalesce(rollup.api_key_id, used.api_key_id),
    coalesce(used.cost, 0), rollup.cost, count(*) OVER ()
FROM (
    SELECT user_id, api_key_id, sum(calls) AS calls, sum(cost) AS cost FROM key_usage_quarters
    WHERE quarter_at >= coalesce((SELECT events_dropped_until FROM usage_rollups), '-infinity')
    GROUP BY user_id, api_key_id
) AS rollup
FULL JOIN (
    SELECT user_id, api_key_id, count(*) AS calls, sum(cost) AS cost FROM usage_events
    WHERE occurred_at < (SELECT rolled_up_until FROM usage_rollups)
        AND occurred_at >= coalesce((SELECT events_dropped_until FROM usage_rollups), '-infinity')
    GROUP BY user_id, api_key_id
) AS used USING (user_id, api_key_id)
WHERE (rollup.calls, rollup.cost) IS DISTINCT FROM (used.calls, used.cost)
ORDER BY 1, 4
LIMIT %s
