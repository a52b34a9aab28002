"""A counter of apps.core.cache."""

from django.db import models


class RateLimitCounter(models.Model):
    """A whole number with an end. Not logged: after a crash of the database the counts begin anew."""

    key = models.CharField(max_length=250, primary_key=True)
    value = models.BigIntegerField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "rate_limit_counters"

    def __str__(self) -> str:
        return self.key
