"""Note the changes of plans' features and prices, on which verdicts depend."""

from django.db import migrations

FORWARD = """
DROP TRIGGER record_changes_update ON plans;
CREATE TRIGGER record_changes_update AFTER UPDATE ON plans FOR EACH ROW
    WHEN ((OLD.id, OLD.name, OLD.features::text, OLD.prices::text)
        IS DISTINCT FROM (NEW.id, NEW.name, NEW.features::text, NEW.prices::text))
    EXECUTE FUNCTION note_change_of_all_records();
ALTER TABLE plans ENABLE ALWAYS TRIGGER record_changes_update;
"""
BACKWARD = """
DROP TRIGGER record_changes_update ON plans;
CREATE TRIGGER record_changes_update AFTER UPDATE ON plans FOR EACH ROW
    WHEN ((OLD.id, OLD.name) IS DISTINCT FROM (NEW.id, NEW.name)) EXECUTE FUNCTION note_change_of_all_records();
ALTER TABLE plans ENABLE ALWAYS TRIGGER record_changes_update;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("verification", "20261128_0118_index_refused_request_ids"),
        ("plans", "20261128_0335_add_features_and_prices"),
    ]

    operations = [migrations.RunSQL(FORWARD, reverse_sql=BACKWARD)]
