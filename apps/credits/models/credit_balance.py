"""The credits that a customer can spend."""

from django.db import models
from django.db.models import Q


class CreditBalance(models.Model):
    """One row for each account, created by the database with it. The database refuses a negative balance."""

    user = models.OneToOneField("users.User", on_delete=models.PROTECT, primary_key=True, related_name="+")
    balance = models.DecimalField(max_digits=20, decimal_places=6, db_default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "credit_balances"
        constraints = (models.CheckConstraint(condition=Q(balance__gte=0), name="credit_balances_not_negative"),)

    def __str__(self) -> str:
        return f"balance of account {self.pk}"
