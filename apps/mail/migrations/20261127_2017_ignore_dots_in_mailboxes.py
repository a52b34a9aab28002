"""Find the messages to all addresses of a mailbox, dots ignored. The index is built beside a table being written."""

import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("mail", "20261127_1936_index_mailboxes"),
    ]

    operations = [
        # An invalid index that an interrupted start has left behind.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS outgoing_mails_dotless", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="outgoingmail",
            index=models.Index(
                models.Func(
                    django.db.models.functions.text.Lower("recipient"),
                    models.Value("\\+[^@]*(?=@)|\\.(?=[^@]*@)"),
                    models.Value(""),
                    models.Value("g"),
                    function="regexp_replace",
                ),
                name="outgoing_mails_dotless",
            ),
        ),
        RemoveIndexConcurrently(model_name="outgoingmail", name="outgoing_mails_mailbox"),
    ]
