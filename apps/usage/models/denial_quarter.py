"""Counts of refused calls by quarter of an hour."""

from django.db import models


class DenialQuarter(models.Model):
    """The number of a key's calls that were refused for one reason in the quarter that begins at `quarter_at`.

    A clean-up task moves the counts of minutes here when they are a week old; a count is in one of the two tables.
    """

    pk = models.CompositePrimaryKey("api_key_id", "quarter_at", "code", "detail")
    api_key_id = models.BigIntegerField()
    quarter_at = models.DateTimeField()
    code = models.CharField(max_length=30)
    detail = models.CharField(max_length=100, blank=True)
    count = models.BigIntegerField()

    class Meta:
        db_table = "denial_quarters"

    def __str__(self) -> str:
        return f"{self.api_key_id} {self.code} at {self.quarter_at}"
