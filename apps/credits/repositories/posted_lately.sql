-- Entries that were approved do not count: they are two people's.

-- name: posted_lately
SELECT coalesce(sum(abs(entry.amount)), 0)
FROM credit_transactions AS entry
WHERE
    entry.user_id = %(user_id)s
    AND entry.actor_id = %(actor_id)s
    AND entry.occurred_at > statement_timestamp() - %(period)s
    AND NOT EXISTS (SELECT FROM credit_approvals AS approval WHERE approval.transaction_id = entry.id)
