"""Counts of refused calls."""

from django.db import models


class UsageDenial(models.Model):
    """The number of a key's calls that were refused with one code in the minute that begins at `minute_at`.

    Refused calls are counted, not stored one by one, so that a flood of them takes no space.
    """

    pk = models.CompositePrimaryKey("api_key_id", "minute_at", "code")
    api_key_id = models.BigIntegerField()
    minute_at = models.DateTimeField()
    code = models.CharField(max_length=30)
    count = models.BigIntegerField()

    class Meta:
        db_table = "usage_denials"

    def __str__(self) -> str:
        return f"{self.api_key_id} {self.code} at {self.minute_at}"
