"""Store the names of plans composed (NFC), as look-ups expect them, unless another plan has the composed name."""

from django.db import migrations

NAMES = """
UPDATE plans AS plan SET name = normalize(name, NFC)
WHERE name IS NOT NFC NORMALIZED
    AND NOT EXISTS (SELECT FROM plans AS other WHERE other.name = normalize(plan.name, NFC))
"""


class Migration(migrations.Migration):
    dependencies = [("plans", "20261122_1613_seed_plans")]

    operations = [migrations.RunSQL(NAMES, migrations.RunSQL.noop)]
