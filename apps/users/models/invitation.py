"""An invitation to make an account."""

from typing import ClassVar

from django.db import models

from apps.core.models import TimestampedModel
from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM


class Invitation(TimestampedModel):
    """Staff have invited an address, once for all links that were sent to it. It is over when accepted or revoked.

    The account that is made by it has this address, verified, and this plan, or else the free one.
    """

    email = models.EmailField(max_length=EMAIL_LENGTH_MAXIMUM)
    plan = models.ForeignKey("plans.Plan", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    invited_by = models.ForeignKey("users.User", on_delete=models.PROTECT, null=True, related_name="+")
    user = models.ForeignKey("users.User", on_delete=models.PROTECT, null=True, related_name="+")
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "invitations"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.email
