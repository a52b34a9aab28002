"""Find the letters to an address; made beside a table that goes on being written."""

import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("mail", "20261125_1816_create_outgoing_mails"),
    ]

    operations = [
        # What a start that was cut short has left behind is not valid, and stands in the way.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS outgoing_mails_recipient", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="outgoingmail",
            index=models.Index(django.db.models.functions.text.Lower("recipient"), name="outgoing_mails_recipient"),
        ),
    ]
