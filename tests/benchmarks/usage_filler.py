"""Ten million calls of sixty days, for the usage benchmark.

Three of ten are those of one customer with 20 keys and 7 tags. The others are of 10,000 customers with ten keys each:
so few that nearly each has a row of its own in the rollups, which is the worst case for them.
"""

import psycopg

CALLS = 10_000_000
DAYS = 60
LARGE, SMALL = 2_000_001, 3_000_001  # customers
KEYS = list(range(2_000_000, 2_000_020))  # of the large one
PARTITIONS = """
DO $$
DECLARE
    day timestamptz := date_trunc('day', now() - interval '61 days', 'UTC');
BEGIN
    WHILE day < date_trunc('day', now(), 'UTC') LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF usage_events FOR VALUES FROM (%L) TO (%L)',
            'usage_events_' || to_char(day AT TIME ZONE 'UTC', 'YYYY_MM_DD'), day, day + interval '1 day');
        day := day + interval '1 day';
    END LOOP;
END $$
"""
FILL = """
INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, tag, request_id)
SELECT now() - interval '{days} days' + n * (interval '{days} days' / {calls}::float8),
    CASE WHEN n % 10 < 3 THEN 2000001 ELSE 3000000 + (n * 7919) % 10000 END,
    CASE WHEN n % 10 < 3 THEN 2000000 + n / 10 % 20 ELSE 4000000 + (n * 104729) % 100000 END,
    (n % 5) * 0.25, 1, CASE WHEN n % 10 < 3 THEN 'tag' || n % 7 ELSE '' END, md5(n::text)
FROM generate_series(1::bigint, {calls}) AS n
"""


def fill(url: str, calls: int = CALLS) -> None:
    """Put the calls into a migrated database without usage."""
    with psycopg.connect(url, autocommit=True) as filling:
        filling.execute(PARTITIONS)
        filling.execute(FILL.format(days=DAYS, calls=calls))
        filling.execute("VACUUM (ANALYZE) usage_events")
