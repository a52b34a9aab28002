"""Keep a copy of each key's budget in its counters, the row that verification locks."""

from django.db import migrations

# Keys with a budget are few: only their counters are written.
FORWARD = """
CREATE OR REPLACE FUNCTION make_api_key_counter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO api_key_counters (api_key_id, budget) VALUES (NEW.id, NEW.budget);
    RETURN NULL;
END;
$$;
CREATE FUNCTION copy_api_key_budget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE api_key_counters SET budget = NEW.budget WHERE api_key_id = NEW.id;
    RETURN NULL;
END;
$$;
CREATE TRIGGER api_keys_budget AFTER UPDATE OF budget ON api_keys FOR EACH ROW
WHEN (NEW.budget IS DISTINCT FROM OLD.budget) EXECUTE FUNCTION copy_api_key_budget();
UPDATE api_key_counters AS counter SET budget = key.budget
FROM api_keys AS key WHERE key.id = counter.api_key_id AND key.budget IS NOT NULL;
"""
BACKWARD = """
DROP TRIGGER api_keys_budget ON api_keys;
DROP FUNCTION copy_api_key_budget();
CREATE OR REPLACE FUNCTION make_api_key_counter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO api_key_counters (api_key_id) VALUES (NEW.id);
    RETURN NULL;
END;
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("api_keys", "20261127_1915_budget_in_counters")]

    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
