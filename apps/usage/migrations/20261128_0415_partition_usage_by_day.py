"""Partition usage events by day, so that each day can be dropped when it is old enough.

The months that have events stay as they are, until they are dropped as a whole; the empty ones of the coming year give
way to days. Verification waits for none of this: it does not touch these tables.
"""

from django.db import migrations

EMPTY_PARTITIONS = """
DO $$
DECLARE
    partition record;
    is_used boolean;
BEGIN
    LOCK TABLE usage_events IN ACCESS EXCLUSIVE MODE;
    FOR partition IN
        SELECT child.oid::regclass AS name FROM pg_inherits
        JOIN pg_class AS child ON child.oid = inhrelid
        WHERE inhparent = 'usage_events'::regclass AND child.relname ~ '^usage_events_\\d{4}_'
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', partition.name) INTO is_used;
        IF NOT is_used THEN
            EXECUTE format('DROP TABLE %s', partition.name);
        END IF;
    END LOOP;
END;
$$;
"""
CREATE = """
CREATE OR REPLACE FUNCTION {name}({argument} integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    start timestamp;
    partition text;
BEGIN
    FOR start IN
        SELECT date_trunc('{unit}', now() AT TIME ZONE 'UTC') + make_interval({unit}s => ahead)
        FROM generate_series(0, {argument}) AS ahead
    LOOP
        partition := 'usage_events_' || to_char(start, '{pattern}');
        CONTINUE WHEN to_regclass(partition) IS NOT NULL;
        BEGIN
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF usage_events FOR VALUES FROM (%L) TO (%L)',
                partition, start AT TIME ZONE 'UTC', (start + interval '1 {unit}') AT TIME ZONE 'UTC'
            );
        EXCEPTION
            WHEN duplicate_table THEN NULL;  -- another process made it
            WHEN check_violation THEN NULL;  -- the default partition holds rows of this time already
            WHEN invalid_object_definition THEN NULL;  -- another partition covers a part of it
        END;
    END LOOP;
END;
$$;
"""
DAYS = CREATE.format(name="create_usage_partitions", argument="days_ahead", unit="day", pattern="YYYY_MM_DD")
MONTHS = CREATE.format(name="ensure_usage_partitions", argument="months_ahead", unit="month", pattern="YYYY_MM")
# Servers of the version before call it when they start.
OLD_NAME = """
CREATE OR REPLACE FUNCTION ensure_usage_partitions(months_ahead integer) RETURNS void LANGUAGE sql AS $$
    SELECT create_usage_partitions(14)
$$;
"""
# Excludes expansion and rollups first, as they exclude each other: the partition and the row of rollups are locked in
# another order than theirs. Nothing is dropped that is not rolled up.
DROP = """
CREATE FUNCTION drop_usage_partition(before timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    oldest record;
BEGIN
    PERFORM pg_advisory_xact_lock(7205002);
    SELECT child.oid::regclass::text AS name,
        substring(pg_get_expr(child.relpartbound, child.oid) FROM 'TO \\(''([^'']+)''\\)')::timestamptz AS ends_at
    INTO oldest
    FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent = 'usage_events'::regclass AND pg_get_expr(child.relpartbound, child.oid) <> 'DEFAULT'
    ORDER BY ends_at LIMIT 1;
    IF oldest.ends_at IS NULL
        OR oldest.ends_at > before
        OR oldest.ends_at > coalesce((SELECT rolled_up_until FROM usage_rollups), '-infinity')
    THEN
        RETURN NULL;
    END IF;
    EXECUTE format('DROP TABLE %s', oldest.name);
    DELETE FROM usage_events_default WHERE occurred_at < oldest.ends_at;
    UPDATE usage_rollups SET events_dropped_until = greatest(events_dropped_until, oldest.ends_at);
    RETURN oldest.name;
END;
$$;
"""
FORWARD = EMPTY_PARTITIONS + DAYS + OLD_NAME + DROP + "SELECT create_usage_partitions(14);"
BACKWARD = (
    "DROP FUNCTION drop_usage_partition(timestamptz);"
    + EMPTY_PARTITIONS
    + MONTHS
    + "DROP FUNCTION create_usage_partitions(integer); SELECT ensure_usage_partitions(12);"
)


class Migration(migrations.Migration):
    dependencies = [("usage", "20261128_0335_create_denial_quarters")]

    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
