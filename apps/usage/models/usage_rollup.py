"""How far usage is rolled up."""

from django.db import models


class UsageRollup(models.Model):
    """The one row that says up to which time of calls the rollups contain every usage event.

    The job `usage-rollup` moves it, in the transaction that adds the events before it. A batch that is expanded later
    is added by the trigger that expands it, which shares the lock of this row. So every usage event is either before
    `rolled_up_until` and in the rollups, or not before it and in none.

    `events_dropped_until` is the end of the last partition that was dropped: older usage is in the rollups alone.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    rolled_up_until = models.DateTimeField()
    events_dropped_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "usage_rollups"
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="usage_rollups_one_row"),)

    def __str__(self) -> str:
        return f"up to {self.rolled_up_until}"
