"""Allowed calls by tag and quarter of an hour."""

from django.db import models


class TagUsageQuarter(models.Model):
    """The allowed calls of one customer's keys with one tag, as in `KeyUsageQuarter`. Calls without a tag have none."""

    pk = models.CompositePrimaryKey("user_id", "quarter_at", "tag")
    user_id = models.BigIntegerField()
    quarter_at = models.DateTimeField()
    tag = models.CharField(max_length=100)
    calls = models.BigIntegerField()
    weight = models.BigIntegerField()
    cost = models.DecimalField(max_digits=26, decimal_places=6)

    class Meta:
        db_table = "tag_usage_quarters"

    def __str__(self) -> str:
        return f"{self.tag} of {self.user_id} at {self.quarter_at}"
