"""The counters of PostgresqlCounterCache."""

from django.db import models


class RateLimitCounter(models.Model):
    """An integer that expires. The table is unlogged: after a crash of the database, counting restarts."""

    key = models.CharField(max_length=250, primary_key=True)
    value = models.BigIntegerField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "rate_limit_counters"

    def __str__(self) -> str:
        return self.key
