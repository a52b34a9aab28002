"""Index the members of roles by role and account, without blocking writes.

The index of roles alone, which it replaces, led to all members of a role when PostgreSQL looked for the roles of one
account and had no statistics.
"""

from django.db import migrations

NEW, OLD = "users_groups_members", "users_groups_group_id_2f3517aa"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("users", "20261127_2244_index_deleted_accounts")]

    operations = [
        # What a start that was cut short has left behind is not valid, and stands in the way.
        migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {NEW}", migrations.RunSQL.noop),
        migrations.RunSQL(
            [
                f"CREATE INDEX CONCURRENTLY {NEW} ON users_groups (group_id, user_id)",
                f"DROP INDEX CONCURRENTLY IF EXISTS {OLD}",
            ],
            [
                f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {OLD} ON users_groups (group_id)",
                f"DROP INDEX CONCURRENTLY {NEW}",
            ],
        ),
    ]
