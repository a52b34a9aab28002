"""A change to a row that verdicts depend on."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class RecordChange(models.Model):
    """What a transaction has changed: a key, an account (`user`), or anything (`all`).

    Triggers add the rows, and `repositories/record_changes.py` reads them. Rows of kind `floor` replace deleted ones:
    of the transactions up to `xid`, rows may be missing. `xid` is PostgreSQL's `xid8`, which the ORM cannot compare.
    """

    class Kind(models.TextChoices):
        """What has changed; `record_id` is its id, or 0."""

        KEY = "key"
        USER = "user"
        ALL = "all"
        FLOOR = "floor"

    pk = models.CompositePrimaryKey("xid", "kind", "record_id")
    xid = models.BigIntegerField()
    kind = models.CharField(max_length=5, choices=Kind)
    record_id = models.BigIntegerField(db_default=0)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "record_changes"
        indexes = (models.Index(fields=["xid"], condition=Q(kind="floor"), name="record_changes_floor"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.record_id} by transaction {self.xid}"
