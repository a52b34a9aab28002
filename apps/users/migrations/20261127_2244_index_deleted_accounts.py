"""Index deleted accounts too where addresses and user names of the others are unique, without blocking writes.

Every statement that finds an account by its id excludes deleted ones. Before PostgreSQL had statistics it believed that
hardly any account was not deleted, and read the index of these accounts as a whole instead of that of ids.
"""

import django.db.models.functions.text
from django.db import migrations, models

COLUMNS = {"users_email_unique": "email", "users_username_unique": "username"}


def replaced(definition: str) -> tuple[str, ...]:
    """Return the statements that replace both indexes; one that was left behind by an interrupted start is dropped."""
    created = [
        statement
        for name, column in COLUMNS.items()
        for statement in (
            f"DROP INDEX CONCURRENTLY IF EXISTS {name}_new",
            f"CREATE UNIQUE INDEX CONCURRENTLY {name}_new ON users {definition.format(column=column)}",
        )
    ]
    swaps = "".join(f"DROP INDEX {name}; ALTER INDEX {name}_new RENAME TO {name}; " for name in COLUMNS)
    return (*created, f"DO $$ BEGIN {swaps}END $$")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("users", "20261127_1900_compose_names")]

    operations = [
        migrations.RunSQL(
            replaced("(lower({column}::text), deleted_at) NULLS NOT DISTINCT"),
            replaced("(lower({column}::text)) WHERE deleted_at IS NULL"),
            state_operations=[
                migrations.RemoveConstraint(model_name="user", name="users_email_unique"),
                migrations.RemoveConstraint(model_name="user", name="users_username_unique"),
                migrations.AddConstraint(
                    model_name="user",
                    constraint=models.UniqueConstraint(
                        django.db.models.functions.text.Lower("email"),
                        models.F("deleted_at"),
                        name="users_email_unique",
                        nulls_distinct=False,
                    ),
                ),
                migrations.AddConstraint(
                    model_name="user",
                    constraint=models.UniqueConstraint(
                        django.db.models.functions.text.Lower("username"),
                        models.F("deleted_at"),
                        name="users_username_unique",
                        nulls_distinct=False,
                    ),
                ),
            ],
        ),
    ]
