"""Lock the owner's balance before the counters of a key whose budget changes, as every writer of counters does."""

from django.db import migrations

FORWARD = """
CREATE OR REPLACE FUNCTION copy_api_key_budget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM credit_balances WHERE user_id = NEW.user_id FOR NO KEY UPDATE;
    UPDATE api_key_counters SET budget = NEW.budget WHERE api_key_id = NEW.id;
    RETURN NULL;
END;
$$;
"""
BACKWARD = """
CREATE OR REPLACE FUNCTION copy_api_key_budget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE api_key_counters SET budget = NEW.budget WHERE api_key_id = NEW.id;
    RETURN NULL;
END;
$$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("api_keys", "20261127_2207_binary_counters"),
        ("credits", "20261122_1901_index_references"),
    ]

    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
