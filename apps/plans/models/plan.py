"""The plan of an account."""

from typing import ClassVar

from django.db import models

from apps.core.models import TimestampedModel


class Plan(TimestampedModel):
    """A named set of limits: its rate limits (`PlanLimit`), and `api_keys_maximum`, None for any number of keys.

    `features` are what the plan entitles to: names with true, false or a number. `prices` are the credits for a unit of
    each operation, as decimal texts.
    """

    name = models.CharField(max_length=50, unique=True)
    api_keys_maximum = models.PositiveIntegerField(null=True, blank=True)
    credits_monthly = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    features = models.JSONField(default=dict, db_default={}, blank=True)
    prices = models.JSONField(default=dict, db_default={}, blank=True)

    class Meta:
        db_table = "plans"
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.name
