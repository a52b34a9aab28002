"""Find the messages to all addresses of a mailbox. The index is built beside a table that is being written."""

import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("mail", "20261125_2341_index_recipients"),
    ]

    operations = [
        # An invalid index that an interrupted start has left behind.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS outgoing_mails_mailbox", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="outgoingmail",
            index=models.Index(
                models.Func(
                    django.db.models.functions.text.Lower("recipient"),
                    models.Value("\\+[^@]*@"),
                    models.Value("@"),
                    function="regexp_replace",
                ),
                name="outgoing_mails_mailbox",
            ),
        ),
    ]
