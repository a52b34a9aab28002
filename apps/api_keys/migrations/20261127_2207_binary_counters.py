"""Add the counters of rate limits in binary. Verification moves those of `windows` when a key is used next."""

from django.db import migrations, models

# Back to JSON: each counter begins with its period (8 bytes), the sum of its weights (8) and the length of its entries
# (4); an entry is a time (8) and a weight (4).
BACKWARD = r"""
CREATE OR REPLACE FUNCTION pg_temp.number_at(counters bytea, place integer, bytes integer) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT ('x' || lpad(encode(substring(counters FROM place FOR bytes), 'hex'), 16, '0'))::bit(64)::bigint
$$;
CREATE OR REPLACE FUNCTION pg_temp.as_json(counters bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    place integer := 1;
    ends integer;
    counter text;
    found text[] := '{}';
BEGIN
    WHILE place <= length(counters) LOOP
        counter := pg_temp.number_at(counters, place, 8)::text;
        ends := place + 20 + pg_temp.number_at(counters, place + 16, 4);
        place := place + 20;
        WHILE place < ends LOOP
            counter := format(
                '%s,%s,%s', counter, pg_temp.number_at(counters, place, 8), pg_temp.number_at(counters, place + 8, 4)
            );
            place := place + 12;
        END LOOP;
        found := found || format('[%s]', counter);
    END LOOP;
    RETURN format('[%s]', array_to_string(found, ','));
END;
$$;
UPDATE api_key_counters SET windows = pg_temp.as_json(entries) WHERE entries <> '';
DROP FUNCTION pg_temp.as_json(bytea), pg_temp.number_at(bytea, integer, integer);
"""


class Migration(migrations.Migration):
    dependencies = [("api_keys", "20261127_1937_index_prefixes")]

    operations = [
        migrations.AddField(
            model_name="apikeycounter",
            name="entries",
            field=models.BinaryField(db_default=b""),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, reverse_sql=BACKWARD),
    ]
