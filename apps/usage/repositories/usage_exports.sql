-- name: part
-- The next calls of a customer after a position, as lines: expanded or pending, so none is left out and none is twice
-- when its batch is expanded between two parts. The times are compared together with the customer, and the order is not
-- that of the primary key to the letter: it would read the calls of all customers, where that of customers reads theirs. Texts in CSV that a spreadsheet would take for a formula get a quote.
WITH call AS MATERIALIZED (
    (
        SELECT id, occurred_at, request_id, api_key_id, cost, weight, tag, credit_transaction_id FROM usage_events
        WHERE user_id = %(user_id)s::bigint
            AND (user_id, occurred_at) >= (%(user_id)s::bigint, %(after_at)s::timestamptz)
            AND (user_id, occurred_at) < (%(user_id)s::bigint, %(ends_at)s::timestamptz)
            AND NOT (occurred_at = %(after_at)s::timestamptz AND id <= %(after_id)s::bigint)
        ORDER BY occurred_at, id + 0 LIMIT %(maximum)s
    )
    UNION ALL
    (
        SELECT batch.id + call.number - 1, batch.occurred_at, call.request_id, call.api_key_id, call.cost, call.weight,
            coalesce(call.tag, ''),
            CASE WHEN call.cost <> 0 THEN batch.entry_ids[array_position(batch.debited_ids, call.user_id)] END
        FROM usage_batches AS batch
        CROSS JOIN unnest(
            batch.user_ids, batch.api_key_ids, batch.costs, batch.weights, batch.tags, batch.request_ids
        ) WITH ORDINALITY AS call (user_id, api_key_id, cost, weight, tag, request_id, number)
        WHERE batch.user_ids @> ARRAY[%(user_id)s::bigint] AND call.user_id = %(user_id)s
            AND batch.occurred_at >= %(after_at)s::timestamptz AND batch.occurred_at < %(ends_at)s::timestamptz
            AND (batch.occurred_at, batch.id + call.number - 1) > (%(after_at)s::timestamptz, %(after_id)s::bigint)
        ORDER BY 2, 1 LIMIT %(maximum)s
    )
    ORDER BY 2, 1 LIMIT %(maximum)s
), last AS (
    SELECT occurred_at, id FROM call ORDER BY occurred_at DESC, id DESC LIMIT 1
)
SELECT string_agg({line}, {newline} ORDER BY call.occurred_at, call.id) || {newline}, count(*), last.occurred_at, last.id
FROM call CROSS JOIN last
GROUP BY last.occurred_at, last.id

-- name: csv
concat_ws(',',
    to_char(call.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    '"' || replace(regexp_replace(call.request_id, '^([=+@\t\r-])', '''\1'), '"', '""') || '"',
    call.api_key_id,
    CASE WHEN %(shows_cost)s THEN call.cost::text ELSE '' END,
    call.weight,
    CASE call.tag WHEN '' THEN '' ELSE
        '"' || replace(regexp_replace(call.tag, '^([=+@\t\r-])', '''\1'), '"', '""') || '"'
    END,
    coalesce(call.credit_transaction_id::text, '')
)

-- name: ndjson
json_build_object(
    'occurred_at', to_char(call.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'request_id', call.request_id,
    'key_id', call.api_key_id,
    'cost', CASE WHEN %(shows_cost)s THEN call.cost::text END,
    'weight', call.weight,
    'tag', call.tag,
    'credit_transaction_id', call.credit_transaction_id
)::text
