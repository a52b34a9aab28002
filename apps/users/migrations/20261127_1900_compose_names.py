"""Store full names and names of roles composed (NFC), as searches expect them.

A role keeps its name where another role has the composed one.
"""

from django.db import migrations

FULL_NAMES = """
UPDATE users SET full_name = normalize(full_name, NFC) WHERE full_name IS NOT NFC NORMALIZED
"""
ROLES = """
UPDATE auth_group AS role SET name = normalize(name, NFC)
WHERE name IS NOT NFC NORMALIZED
    AND NOT EXISTS (SELECT FROM auth_group AS other WHERE other.name = normalize(role.name, NFC))
"""


class Migration(migrations.Migration):
    dependencies = [
        ("users", "20261127_1853_add_formerly_verified_at"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RunSQL(FULL_NAMES, migrations.RunSQL.noop),
        migrations.RunSQL(ROLES, migrations.RunSQL.noop),
    ]
