"""Counts of wrong codes."""

from typing import ClassVar

from django.db import models

from apps.core.models import OwnedModel


class FactorAttempt(OwnedModel):
    """The wrong codes for one account from one address, and the end of that pair's lock.

    A row with an empty address counts the account's codes from all addresses; see factor_attempts.sql.
    """

    client_address = models.CharField(max_length=45, blank=True)
    failures = models.PositiveIntegerField()
    first_failed_at = models.DateTimeField()
    last_failed_at = models.DateTimeField()
    locked_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "second_factor_attempts"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "client_address"], name="second_factor_attempts_pair_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.failures} from {self.client_address or 'all addresses'}"
