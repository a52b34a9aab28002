"""Allowed calls by customer and day."""

from django.db import models


class CustomerUsageDay(models.Model):
    """The allowed calls of one customer's keys on the day (UTC) that begins at `day_at`, as in `KeyUsageQuarter`.

    By day first: the usage of all customers is read by days.
    """

    pk = models.CompositePrimaryKey("day_at", "user_id")
    day_at = models.DateTimeField()
    user_id = models.BigIntegerField()
    calls = models.BigIntegerField()
    weight = models.BigIntegerField()
    cost = models.DecimalField(max_digits=26, decimal_places=6)

    class Meta:
        db_table = "customer_usage_days"

    def __str__(self) -> str:
        return f"{self.user_id} on {self.day_at}"
