"""A refused call, as a sample."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Refusal(models.Model):
    """One of the last refused calls of a key, with what it asked for, and the limits and the balance at that moment.

    Samples: `UsageDenial` counts every refused call. Workers write them after the verdicts, at most
    `REFUSALS_PER_KEY` of each key, and they are removed after `CALL_HISTORY_HOURS`. The ids are not foreign keys;
    those of a call whose key was not found are 0.

    `scopes` are the first of those that the call asked for. `rate_limits` is a list of objects (name, limit,
    period_seconds, remaining), empty if the call was refused before they were checked.
    """

    id = models.BigAutoField(primary_key=True)
    occurred_at = models.DateTimeField()
    user_id = models.BigIntegerField()
    api_key_id = models.BigIntegerField()
    code = models.CharField(max_length=30)
    detail = models.CharField(max_length=100, blank=True)
    scopes = ArrayField(models.CharField(max_length=100))
    address = models.GenericIPAddressField(null=True)
    cost = models.DecimalField(max_digits=20, decimal_places=6)
    weight = models.IntegerField()
    tag = models.CharField(max_length=100, blank=True)
    request_id = models.CharField(max_length=100)
    rate_limits = models.JSONField()
    balance = models.DecimalField(max_digits=20, decimal_places=6, null=True)

    class Meta:
        db_table = "refusals"
        indexes: ClassVar = [
            models.Index(fields=["api_key_id", "id"], name="refusals_key"),
            models.Index(fields=["user_id", "id"], name="refusals_user"),
            models.Index(fields=["request_id"], name="refusals_request"),
        ]

    def __str__(self) -> str:
        return f"{self.api_key_id} {self.code} at {self.occurred_at}"
