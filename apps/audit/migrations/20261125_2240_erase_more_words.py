"""Take the names of passkeys, and why keys were revoked, out of the audit trail too: they are people's own words."""

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION without_personal_values(fields jsonb, kind text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, CASE
        WHEN value IN ('""', 'null') THEN value
        WHEN key IN ('email', 'username', 'full_name') THEN '"erased"'
        WHEN kind = 'api_key' AND key IN ('name', 'description', 'metadata', 'ip_allowlist') THEN '"erased"'{more}
        ELSE value
    END), '{{}}') FROM jsonb_each(fields)
$$;
"""
MORE = """
        WHEN kind = 'api_key' AND key = 'revoked_reason' OR kind = 'passkey' AND key = 'name' THEN '"erased"'"""


class Migration(migrations.Migration):
    dependencies = [("audit", "20261125_1920_erase_accounts")]

    operations = [migrations.RunSQL(FUNCTION.format(more=MORE), reverse_sql=FUNCTION.format(more=""))]
