"""Count refused calls in `denials`, whose key has the detail.

Workers of the version before go on counting in `usage_denials`, whose key they name: a trigger passes their counts on.
No row is copied, and no worker waits for more than the renaming.
"""

from django.db import migrations, models

FORWARD = """
ALTER TABLE usage_denials RENAME TO denials;
ALTER TABLE denials DROP CONSTRAINT usage_denials_pkey;
ALTER TABLE denials ADD CONSTRAINT denials_pkey PRIMARY KEY USING INDEX denials_pkey;

CREATE TABLE usage_denials (
    api_key_id bigint NOT NULL,
    minute_at timestamptz NOT NULL,
    code varchar(30) NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (api_key_id, minute_at, code)
);
CREATE FUNCTION pass_on_denials() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO denials (api_key_id, minute_at, code, count)
    VALUES (NEW.api_key_id, NEW.minute_at, NEW.code, NEW.count)
    ON CONFLICT (api_key_id, minute_at, code, detail) DO UPDATE SET count = denials.count + EXCLUDED.count;
    RETURN NULL;
END;
$$;
CREATE TRIGGER usage_denials_pass_on BEFORE INSERT ON usage_denials
    FOR EACH ROW EXECUTE FUNCTION pass_on_denials();
"""
BACKWARD = """
DROP TABLE usage_denials;
DROP FUNCTION pass_on_denials();
CREATE TABLE usage_denials (
    api_key_id bigint NOT NULL,
    minute_at timestamptz NOT NULL,
    code varchar(30) NOT NULL,
    detail varchar(100) NOT NULL DEFAULT '',
    count bigint NOT NULL,
    PRIMARY KEY (api_key_id, minute_at, code)
);
INSERT INTO usage_denials (api_key_id, minute_at, code, count)
SELECT api_key_id, minute_at, code, sum(count) FROM denials GROUP BY api_key_id, minute_at, code;
DROP TABLE denials;
CREATE UNIQUE INDEX denials_pkey ON usage_denials (api_key_id, minute_at, code, detail);
"""


class Migration(migrations.Migration):
    dependencies = [("usage", "20261127_2217_add_denial_detail")]

    operations = [
        migrations.RunSQL(
            FORWARD,
            reverse_sql=BACKWARD,
            state_operations=[
                migrations.DeleteModel("UsageDenial"),
                migrations.CreateModel(
                    name="UsageDenial",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "api_key_id",
                                "minute_at",
                                "code",
                                "detail",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("api_key_id", models.BigIntegerField()),
                        ("minute_at", models.DateTimeField()),
                        ("code", models.CharField(max_length=30)),
                        ("detail", models.CharField(blank=True, db_default="", max_length=100)),
                        ("count", models.BigIntegerField()),
                    ],
                    options={"db_table": "denials"},
                ),
            ],
        ),
    ]
