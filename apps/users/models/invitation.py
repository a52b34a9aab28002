"""An invitation to create an account."""

from typing import ClassVar

from django.db import models

from apps.core.models import TimestampedModel
from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM


class Invitation(TimestampedModel):
    """An address that staff have invited. Each message contains a different link to the same invitation.

    It is open until it is accepted or revoked, and valid until it expires. The account that is created by it has this
    address, verified, and this plan, or else the default plan. It has these roles, and belongs to staff if the
    invitation says so.
    """

    email = models.EmailField(max_length=EMAIL_LENGTH_MAXIMUM)
    plan = models.ForeignKey("plans.Plan", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    is_staff = models.BooleanField("member of staff", default=False, db_default=False)
    roles = models.ManyToManyField("auth.Group", blank=True, related_name="+", db_table="invitation_roles")
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
