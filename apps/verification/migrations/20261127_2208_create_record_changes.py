"""Record, by transaction, what changes in the rows that verdicts depend on, so that workers can cache these rows.

The triggers fire in sessions with `session_replication_role = replica` too: logical replication and restores. They are
row-level, because replication fires no statement-level ones. A change that no verdict depends on adds no row.
"""

from django.db import migrations, models
from django.db.models.functions import Now

# jsonb compares 1.0 and 1 as equal, but verdicts show which of them was stored.
TABLE = """
CREATE TABLE record_changes (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind varchar(5) NOT NULL,
    record_id bigint NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (xid, kind, record_id)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000
);
CREATE INDEX record_changes_floor ON record_changes (xid) WHERE kind = 'floor';

CREATE FUNCTION note_record_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    named text := TG_ARGV[1];  -- the column with the id
BEGIN
    INSERT INTO record_changes (kind, record_id)
    SELECT DISTINCT TG_ARGV[0], changed.record_id::bigint
    FROM (VALUES (to_jsonb(OLD) ->> named), (to_jsonb(NEW) ->> named)) AS changed (record_id)
    WHERE changed.record_id IS NOT NULL
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END;
$$;
CREATE FUNCTION note_change_of_all_records() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO record_changes (kind) VALUES ('all') ON CONFLICT DO NOTHING;
    RETURN NULL;
END;
$$;

-- A deletion of changes leaves a row that records it, in the same transaction. In a restored database, ids may be those
-- of another server, which this one has not reached yet.
CREATE FUNCTION raise_record_changes_floor() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    following xid8 := pg_snapshot_xmax(pg_current_snapshot());
    highest xid8 := (SELECT xid FROM deleted WHERE xid < following ORDER BY xid DESC LIMIT 1);
BEGIN
    INSERT INTO record_changes (xid, kind)
    SELECT highest, 'floor'
    WHERE highest IS NOT NULL AND NOT EXISTS (
        SELECT FROM record_changes WHERE kind = 'floor' AND xid >= highest AND xid < following
    )
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END;
$$;
CREATE TRIGGER record_changes_floor AFTER DELETE ON record_changes REFERENCING OLD TABLE AS deleted
    FOR EACH STATEMENT EXECUTE FUNCTION raise_record_changes_floor();
ALTER TABLE record_changes ENABLE ALWAYS TRIGGER record_changes_floor;
"""
TABLE_BACKWARD = """
DROP FUNCTION note_change_of_all_records();
DROP FUNCTION note_record_change();
DROP TABLE record_changes;
DROP FUNCTION raise_record_changes_floor();
"""
OF_KEY, OF_SECRET = "note_record_change('key', 'id')", "note_record_change('key', 'api_key_id')"
OF_USER, OF_MEMBERSHIP = "note_record_change('user', 'id')", "note_record_change('user', 'user_id')"
OF_ALL = "note_change_of_all_records()"
# Per table: what notes a change, the columns that verdicts depend on, and the events that note one besides UPDATE.
# Workers cache no unknown secrets, so new keys, secrets, accounts and plans change nothing that they have cached. They
# notice TRUNCATE by the table's new file. The tables are locked in this order.
TRIGGERS = [
    (
        "users",
        OF_USER,
        ("id", "plan_id", "is_active", "is_staff", "is_superuser", "locked_until", "deleted_at"),
        "DELETE",
    ),
    ("users_groups", OF_MEMBERSHIP, ("user_id", "group_id"), "INSERT OR DELETE"),
    (
        "api_keys",
        OF_KEY,
        (
            *("id", "user_id", "name", "environment", "scopes", "ip_allowlist", "metadata::text", "rate_limits::text"),
            *("budget", "is_active", "revoked_at", "expires_at", "deleted_at"),
        ),
        "DELETE",
    ),
    ("api_key_secrets", OF_SECRET, ("api_key_id", "digest", "expires_at"), "DELETE"),
    ("role_scopes", OF_ALL, ("role_id", "scope"), "INSERT OR DELETE"),
    ("plans", OF_ALL, ("id", "name"), "DELETE"),
    ("plan_limits", OF_ALL, ("plan_id", "name", '"limit"', "period_seconds"), "INSERT OR DELETE"),
]
FORWARD = """
CREATE TRIGGER record_changes_update AFTER UPDATE ON {table} FOR EACH ROW
    WHEN (({old}) IS DISTINCT FROM ({new})) EXECUTE FUNCTION {function};
CREATE TRIGGER record_changes_rows AFTER {events} ON {table} FOR EACH ROW EXECUTE FUNCTION {function};
ALTER TABLE {table} ENABLE ALWAYS TRIGGER record_changes_update;
ALTER TABLE {table} ENABLE ALWAYS TRIGGER record_changes_rows;
"""
BACKWARD = """
DROP TRIGGER IF EXISTS record_changes_rows ON {table};
DROP TRIGGER IF EXISTS record_changes_update ON {table};
"""


def triggers_on(table: str, function: str, columns: tuple[str, ...], events: str) -> migrations.RunSQL:
    """Return the operation that creates the triggers of one table."""
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    forward = FORWARD.format(table=table, function=function, events=events, old=old, new=new)
    return migrations.RunSQL(forward, reverse_sql=BACKWARD.format(table=table))


class Migration(migrations.Migration):
    dependencies = [
        ("verification", "20261122_1841_create_verification_answers"),
        ("api_keys", "20261127_1937_index_prefixes"),
        ("plans", "20261127_1902_compose_names"),
        ("users", "20261127_1900_compose_names"),
    ]

    operations = [
        migrations.RunSQL(
            TABLE,
            reverse_sql=TABLE_BACKWARD,
            state_operations=[
                migrations.CreateModel(
                    name="RecordChange",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "xid",
                                "kind",
                                "record_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("xid", models.BigIntegerField()),
                        (
                            "kind",
                            models.CharField(
                                choices=[("key", "Key"), ("user", "User"), ("all", "All"), ("floor", "Floor")],
                                max_length=5,
                            ),
                        ),
                        ("record_id", models.BigIntegerField(db_default=0)),
                        ("changed_at", models.DateTimeField(db_default=Now())),
                    ],
                    options={
                        "db_table": "record_changes",
                        "indexes": [
                            models.Index(
                                condition=models.Q(("kind", "floor")), fields=["xid"], name="record_changes_floor"
                            )
                        ],
                    },
                ),
            ],
        ),
        *(triggers_on(*table) for table in TRIGGERS),
    ]
