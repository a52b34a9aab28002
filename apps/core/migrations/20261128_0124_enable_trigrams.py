"""Enable pg_trgm, whose indexes find any part of a text. A database's owner may: the extension is trusted."""

from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "20261127_1908_create_secret_key_fingerprints")]

    operations = [TrigramExtension()]
