"""Store the names of keys composed (NFC), as searches expect them."""

from django.db import migrations

NAMES = "UPDATE api_keys SET name = normalize(name, NFC) WHERE name IS NOT NFC NORMALIZED"


class Migration(migrations.Migration):
    dependencies = [("api_keys", "20261127_1731_index_parents")]

    operations = [migrations.RunSQL(NAMES, migrations.RunSQL.noop)]
