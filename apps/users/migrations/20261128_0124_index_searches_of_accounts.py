"""Index the searches and the list of accounts, without blocking writes to the table."""

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("core", "20261128_0124_enable_trigrams"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("plans", "20261127_1902_compose_names"),
        ("users", "20261127_2245_index_members_of_roles"),
    ]

    operations = [
        # What a start that was cut short has left behind is not valid, and stands in the way.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS users_search", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="user",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("email"), name="gin_trgm_ops"
                ),
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("username"), name="gin_trgm_ops"
                ),
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("full_name"), name="gin_trgm_ops"
                ),
                name="users_search",
            ),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS users_in_order", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="user",
            index=models.Index(fields=["id", "deleted_at"], name="users_in_order"),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS users_of_plan", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="user",
            index=models.Index(fields=["plan", "deleted_at"], name="users_of_plan"),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS users_to_erase", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="user",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False), ("erased_at", None)),
                fields=["deleted_at", "id"],
                name="users_to_erase",
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="plan",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="plans.plan"
            ),
        ),
    ]
