"""Counts of refused calls."""

from django.db import models


class UsageDenial(models.Model):
    """The number of a key's calls that were refused for one reason in the minute that begins at `minute_at`.

    The reason is a code and its detail, such as the name of the rate limit; see `RefusedCalls`.
    Refused calls are counted, not stored one by one, so that a flood of them takes no space.
    """

    pk = models.CompositePrimaryKey("api_key_id", "minute_at", "code", "detail")
    api_key_id = models.BigIntegerField()
    minute_at = models.DateTimeField()
    code = models.CharField(max_length=30)
    detail = models.CharField(max_length=100, blank=True, db_default="")
    count = models.BigIntegerField()

    class Meta:
        db_table = "denials"

    def __str__(self) -> str:
        return f"{self.api_key_id} {self.code} at {self.minute_at}"
