"""Allowed calls by key and quarter of an hour."""

from django.db import models


class KeyUsageQuarter(models.Model):
    """The allowed calls of one key in the quarter of an hour that begins at `quarter_at`, up to `UsageRollup`.

    Quarters, because the hours and days of every time zone consist of whole ones. They stay when the usage events are
    dropped.
    """

    pk = models.CompositePrimaryKey("user_id", "quarter_at", "api_key_id")
    user_id = models.BigIntegerField()
    quarter_at = models.DateTimeField()
    api_key_id = models.BigIntegerField()
    calls = models.BigIntegerField()
    weight = models.BigIntegerField()
    cost = models.DecimalField(max_digits=26, decimal_places=6)

    class Meta:
        db_table = "key_usage_quarters"

    def __str__(self) -> str:
        return f"{self.api_key_id} at {self.quarter_at}"
