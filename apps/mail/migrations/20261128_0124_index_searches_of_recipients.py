"""Index the search of recipients, without blocking writes to the table."""

import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("core", "20261128_0124_enable_trigrams"),
        ("mail", "20261127_2017_ignore_dots_in_mailboxes"),
    ]

    operations = [
        # What a start that was cut short has left behind is not valid, and stands in the way.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS outgoing_mails_search", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="outgoingmail",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("recipient"), name="gin_trgm_ops"
                ),
                name="outgoing_mails_search",
            ),
        ),
    ]
