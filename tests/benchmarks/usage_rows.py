"""The past of a database that has been in use for two months: usage rows, and the ledger's entries that paid for them.

All of it is made inside the server, in the order of time, so ten million rows take a minute or two.
"""

import psycopg

from tests.benchmarks.population import BALANCE, COST, Population

DAYS = 60
CALLS_AN_ENTRY = 20

# The days before this one, which a first start does not make.
PARTITIONS = """
DO $$
DECLARE
    day timestamptz := date_trunc('day', now() - interval '61 days', 'UTC');
BEGIN
    WHILE day < date_trunc('day', now(), 'UTC') LOOP
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF usage_events FOR VALUES FROM (%L) TO (%L)',
            'usage_events_' || to_char(day AT TIME ZONE 'UTC', 'YYYY_MM_DD'), day, day + interval '1 day'
        );
        day := day + interval '1 day';
    END LOOP;
END $$;
"""
# Entry `number` of customer `place` has the id `base + number * customers + place`.
LEDGER = """
INSERT INTO credit_transactions (id, user_id, occurred_at, type, amount, balance_after)
SELECT
    %(base)s + number * %(customers)s::bigint + place,
    %(first_customer)s + place,
    %(began)s + (number + 1) * %(step)s * %(calls)s,
    'usage',
    -%(cost)s::numeric * %(calls)s,
    %(balance)s::numeric - %(cost)s::numeric * %(calls)s * (number + 1)
FROM generate_series(0, %(entries)s - 1) AS number, generate_series(0, %(customers)s - 1) AS place;
"""
# Call `number` of customer `place`: each customer's calls go round its keys, and all customers' are even over the time.
USAGE = """
INSERT INTO usage_events
    (occurred_at, user_id, api_key_id, cost, weight, tag, request_id, credit_transaction_id)
SELECT
    %(began)s + (number + place::float8 / %(customers)s) * %(step)s,
    %(first_customer)s + place,
    %(first_customer)s + place + %(customers)s * (number %% %(keys)s),
    %(cost)s,
    1,
    '',
    md5(call::text),
    %(base)s + number / %(calls)s * %(customers)s::bigint + place
FROM (
    SELECT call, call / %(customers)s AS number, call %% %(customers)s AS place
    FROM generate_series(0, %(rows)s - 1) AS call
) AS calls;
"""
BALANCES = """
UPDATE credit_balances SET balance = balance - %(cost)s::numeric * %(calls)s * %(entries)s
WHERE user_id BETWEEN %(first_customer)s AND %(first_customer)s + %(customers)s - 1;
"""
FOLLOW_IDS = """
SELECT setval(pg_get_serial_sequence('credit_transactions', 'id'), max(id)) FROM credit_transactions;
"""


def insert_usage(connection: psycopg.Connection, population: Population, rows: int) -> None:
    """Give every customer its share of so many calls, each paid for; balance, ledger and usage add up."""
    customers = len(population.customers)
    calls_of_each, rest = divmod(rows, customers)
    if rest or calls_of_each % CALLS_AN_ENTRY:
        raise ValueError(f"{rows} calls are not a multiple of {CALLS_AN_ENTRY} for each of {customers} customers")
    values = _moments(connection, calls_of_each) | {
        "customers": customers,
        "first_customer": population.customers[0],
        "keys": population.keys_of_each,
        "rows": rows,
        "entries": calls_of_each // CALLS_AN_ENTRY,
        "calls": CALLS_AN_ENTRY,
        "cost": COST,
        "balance": BALANCE,
    }
    with connection.transaction():
        connection.execute(PARTITIONS)
        cursor = psycopg.ClientCursor(connection)
        cursor.execute(LEDGER, values)
        cursor.execute(FOLLOW_IDS)
        _insert_sorted(cursor, values)
        cursor.execute(BALANCES, values)


def _moments(connection: psycopg.Connection, calls_of_each: int) -> dict[str, object]:
    query = f"""
        SELECT now() - interval '{DAYS} days', interval '{DAYS} days' / %s, max(id) + 1 FROM credit_transactions
    """
    began, step, base = connection.execute(query, [calls_of_each]).fetchone() or (None, None, None)
    return {"began": began, "step": step, "base": base}


def _insert_sorted(cursor: psycopg.ClientCursor, values: dict[str, object]) -> None:
    # The index by customer is built once at the end, sorted, instead of being written to at ten million places.
    cursor.execute("SELECT pg_get_indexdef('usage_events_user'::regclass)")
    definition = (cursor.fetchone() or ("",))[0].replace(" ON ONLY ", " ON ")
    cursor.execute("DROP INDEX usage_events_user")
    cursor.execute(USAGE, values)
    cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
    cursor.execute(definition)
