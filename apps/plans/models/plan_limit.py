"""A rate limit of a plan."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from apps.plans.models.plan import Plan


class PlanLimit(models.Model):
    """Up to `limit` calls of each key in any `period_seconds`, under a name such as `minute`."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="limits")
    name = models.CharField(max_length=50)
    limit = models.PositiveBigIntegerField()
    period_seconds = models.PositiveIntegerField()

    class Meta:
        db_table = "plan_limits"
        ordering: ClassVar = ["period_seconds", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plan", "name"], name="plan_limits_name_unique"),
            models.CheckConstraint(condition=Q(period_seconds__gte=1), name="plan_limits_period_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.limit} per {self.period_seconds} s"
