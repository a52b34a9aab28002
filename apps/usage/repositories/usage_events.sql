-- name: by_key_and_day
-- The last 31 days only, which the index of accounts finds: an account may have millions of events.
SELECT api_key_id, (occurred_at AT TIME ZONE 'UTC')::date, count(*), sum(cost), count(*) OVER ()
FROM usage_records
WHERE user_id = %s AND occurred_at > now() - interval '31 days'
GROUP BY 1, 2
ORDER BY 2 DESC, 1 LIMIT %s
